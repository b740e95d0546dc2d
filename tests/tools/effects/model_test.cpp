#include "tools/effects/model.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <random>

#include "tools/effects/least_squares.h"

using namespace memtrack;
using doctest::Approx;

namespace {

// Longley's data (1967), with the certified values of NIST's Statistical Reference Datasets: collinear on purpose.
constexpr std::array<std::array<double, 7>, 16> kLongley = {{
    {60323, 83.0, 234289, 2356, 1590, 107608, 1947},
    {61122, 88.5, 259426, 2325, 1456, 108632, 1948},
    {60171, 88.2, 258054, 3682, 1616, 109773, 1949},
    {61187, 89.5, 284599, 3351, 1650, 110929, 1950},
    {63221, 96.2, 328975, 2099, 3099, 112075, 1951},
    {63639, 98.1, 346999, 1932, 3594, 113270, 1952},
    {64989, 99.0, 365385, 1870, 3547, 115094, 1953},
    {63761, 100.0, 363112, 3578, 3350, 116219, 1954},
    {66019, 101.2, 397469, 2904, 3048, 117388, 1955},
    {67857, 104.6, 419180, 2822, 2857, 118734, 1956},
    {68169, 108.4, 442769, 2936, 2798, 120445, 1957},
    {66513, 110.8, 444546, 4681, 2637, 121950, 1958},
    {68655, 112.6, 482704, 3813, 2552, 123366, 1959},
    {69564, 114.2, 502601, 3931, 2514, 125368, 1960},
    {69331, 115.7, 518173, 4806, 2572, 127852, 1961},
    {70551, 116.9, 554894, 4007, 2827, 130081, 1962},
}};
constexpr std::array kLongleySlopes = {15.0618722713733,  -0.0358191792925910, -2.02022980381683,
                                       -1.03322686717359, -0.0511041056535807, 1829.15146461355};
constexpr std::array kLongleyErrors = {84.9149257747669,  0.0334910077722432, 0.488399681651699,
                                       0.214274163161675, 0.226073200069370,  455.478499142212};

// Networks 1 to n in blocks 1 to repeats, run in a drawn order within each block.
Experiment blocks_of(int networks, int repeats, std::mt19937_64& random) {
  Experiment experiment;
  for (int block = 1; block <= repeats; ++block) {
    std::vector<std::int64_t> drawn;
    for (int network = 1; network <= networks; ++network) drawn.push_back(network);
    std::shuffle(drawn.begin(), drawn.end(), random);
    for (const std::int64_t network : drawn) {
      experiment.network.push_back(network);
      experiment.block.push_back(block);
      experiment.order.push_back(static_cast<double>(experiment.order.size() + 1));
    }
  }
  return experiment;
}

void add_term(Experiment& experiment, const std::string& name, const std::vector<double>& of_networks) {
  Term term{.name = name, .unit = "unit"};
  for (const std::int64_t network : experiment.network) {
    term.numbers.push_back(of_networks.at(static_cast<std::size_t>(network - 1)));
  }
  experiment.terms.push_back(std::move(term));
}

const Effect& find_effect(const Effects& effects, std::string_view name) {
  for (const Effect& effect : effects.effects) {
    if (effect.name == name) return effect;
  }
  FAIL("no effect of that name");
  return effects.effects.front();
}

}  // namespace

TEST_CASE("least squares agree with the certified values of Longley's data") {
  Eigen::MatrixXd x(16, 7);
  Eigen::VectorXd y(16);
  for (int i = 0; i < 16; ++i) {
    const auto& row = kLongley[static_cast<std::size_t>(i)];
    y[i] = row[0];
    x(i, 0) = 1;
    for (int j = 1; j < 7; ++j) x(i, j) = row[static_cast<std::size_t>(j)];
  }
  const Fit fit = least_squares(x, y);
  CHECK(fit.coefficients[0] == Approx(-3482258.63459582).epsilon(1e-7));
  CHECK(std::sqrt(fit.residual_sum / 9) == Approx(304.854073561965).epsilon(1e-8));
  for (std::size_t j = 0; j < 6; ++j) {
    const auto at = static_cast<Eigen::Index>(j + 1);
    CHECK(fit.coefficients[at] == Approx(kLongleySlopes[j]).epsilon(1e-7));
    CHECK(std::sqrt(fit.scatter(at, at) * fit.residual_sum / 9) == Approx(kLongleyErrors[j]).epsilon(1e-7));
  }
}

TEST_CASE("effects of a sweep without repeats are those of the regression") {
  Experiment longley;
  for (std::size_t i = 0; i < kLongley.size(); ++i) {
    longley.response.push_back(kLongley[i][0]);
    longley.network.push_back(static_cast<std::int64_t>(i + 1));
    longley.block.push_back(1);
    longley.order.push_back(static_cast<double>(i + 1));
  }
  for (std::size_t j = 1; j < 7; ++j) {
    Term term{.name = "x" + std::to_string(j), .unit = "unit"};
    for (const auto& row : kLongley) term.numbers.push_back(row[j]);
    longley.terms.push_back(std::move(term));
  }
  const Effects effects = estimate_effects(longley, 99, 0);
  CHECK(effects.degrees == 9);
  const double t = 2.262157163;  // t table, 97.5%, 9 degrees
  for (std::size_t j = 0; j < 6; ++j) {
    const Contrast& contrast = find_effect(effects, "x" + std::to_string(j + 1)).contrasts.at(0);
    CHECK(contrast.slope == Approx(kLongleySlopes[j]).epsilon(1e-6));
    CHECK((contrast.slope_interval.high - contrast.slope) / t == Approx(kLongleyErrors[j]).epsilon(1e-6));
  }
  REQUIRE(effects.untold.size() == 6);  // the years are the order of the rows; five of the six terms go along
  CHECK(effects.untold[0] == "run order cannot be told from x6: they move together in all trials.");
  // x2's variance inflation factor is 1788.5, as printed in textbooks on this data.
  CHECK(effects.untold[2].starts_with("x2 goes along with other terms"));
  CHECK(effects.untold[2].find("42 times as wide") != std::string::npos);
}

TEST_CASE("a permutation test of two groups of three counts the twenty ways to draw them") {
  // Two of the 20 ways part the values as far as they are: p = 2/20.
  Eigen::VectorXd y(6);
  y << 1, 2, 3, 11, 12, 13;
  Eigen::MatrixXd group(6, 1);
  group << 0, 0, 0, 1, 1, 1;
  std::mt19937_64 random(1);
  const double p = permutation_p_value(Eigen::MatrixXd::Ones(6, 1), group, y, {{0, 1, 2, 3, 4, 5}}, 20000, random);
  CHECK(p == Approx(0.1).epsilon(0.05));
}

TEST_CASE("rows change places within their groups only") {
  // Within each pair the second is larger by 1: 2 of the 8 ways to swap pairs are as far apart.
  Eigen::VectorXd y(6);
  y << 1, 2, 101, 102, 201, 202;
  Eigen::MatrixXd second(6, 1);
  second << 0, 1, 0, 1, 0, 1;
  Eigen::MatrixXd others = Eigen::MatrixXd::Zero(6, 3);
  for (int i = 0; i < 6; ++i) others(i, i / 2) = 1;
  std::mt19937_64 random(1);
  const double p = permutation_p_value(others, second, y, {{0, 1}, {2, 3}, {4, 5}}, 20000, random);
  CHECK(p == Approx(0.25).epsilon(0.05));
}

TEST_CASE("repeats of a network are one network") {
  // Means 1, 3, 2, 4 at x = 1 to 4, each measured ten times almost alike: slope 0.8, and by the line through four
  // points a standard error of sqrt(1.8 / 2 / 5), however often they are measured.
  std::mt19937_64 random(2);
  Experiment experiment = blocks_of(4, 10, random);
  add_term(experiment, "x", {1, 2, 3, 4});
  const std::array means = {1.0, 3.0, 2.0, 4.0};
  std::normal_distribution<double> noise(0, 1e-6);
  for (const std::int64_t network : experiment.network) {
    experiment.response.push_back(means[static_cast<std::size_t>(network - 1)] + noise(random));
  }
  const Effects effects = estimate_effects(experiment, 999, 0);
  const Contrast& x = find_effect(effects, "x").contrasts.at(0);
  CHECK(effects.networks == 4);
  CHECK(effects.degrees == 2);
  CHECK(x.slope == Approx(0.8).epsilon(1e-4));
  CHECK(x.over_range == Approx(2.4).epsilon(1e-4));
  CHECK(x.slope_interval.high - x.slope == Approx(4.302653 * std::sqrt(1.8 / 2 / 5)).epsilon(1e-4));  // t, 2 degrees
  CHECK(x.smallest_visible == Approx((4.302653 + 1.060660) * 3 * std::sqrt(1.8 / 2 / 5)).epsilon(1e-4));
  CHECK(find_effect(effects, "x").share == Approx(0.64).epsilon(0.02));
}

TEST_CASE("two networks are held against each other by the spread of their repeats") {
  std::mt19937_64 random(3);
  Experiment experiment = blocks_of(2, 12, random);
  add_term(experiment, "log lr", {-3, -2});
  std::normal_distribution<double> noise(0, 0.1);
  for (const std::int64_t network : experiment.network) {
    experiment.response.push_back(170 + (network == 2 ? 5 : 0) + noise(random));
  }
  const Effects effects = estimate_effects(experiment, 999, 0);
  CHECK(effects.is_saturated);
  const Effect& effect = find_effect(effects, "log lr");
  CHECK(effect.contrasts.at(0).over_range == Approx(5).epsilon(0.03));
  CHECK(effect.contrasts.at(0).smallest_visible < 0.2);
  CHECK(effect.p_value <= 0.01);
}

TEST_CASE("a drift in the order of the runs is told from the hyperparameters") {
  std::mt19937_64 random(4);
  Experiment experiment = blocks_of(8, 5, random);
  add_term(experiment, "parameters", {1, 2, 3, 4, 5, 6, 7, 8});
  add_term(experiment, "learning rate", {3, 1, 4, 1, 5, 9, 2, 6});
  std::normal_distribution<double> noise(0, 0.5);
  for (std::size_t i = 0; i < experiment.network.size(); ++i) {
    experiment.response.push_back(100 + 15 * static_cast<double>(experiment.network[i]) + 2 * experiment.order[i] +
                                  noise(random));
  }
  const Effects effects = estimate_effects(experiment, 999, 0);
  CHECK(find_effect(effects, "parameters").contrasts.at(0).slope == Approx(15).epsilon(0.05));
  CHECK(find_effect(effects, kRunOrder).contrasts.at(0).slope == Approx(2).epsilon(0.1));
  CHECK(find_effect(effects, kRunOrder).adjusted_p < 0.05);
  CHECK(find_effect(effects, "parameters").adjusted_p < 0.05);
  CHECK(find_effect(effects, "learning rate").adjusted_p > 0.05);
}

// [networks, blocks, run order]: a column for each network, as textbooks write the model.
Eigen::MatrixXd full_model(const Experiment& experiment, Eigen::Index networks, Eigen::Index blocks) {
  const auto rows = static_cast<Eigen::Index>(experiment.order.size());
  Eigen::MatrixXd x = Eigen::MatrixXd::Zero(rows, networks + blocks);
  for (Eigen::Index i = 0; i < rows; ++i) {
    const auto at = static_cast<std::size_t>(i);
    x(i, experiment.network[at] - 1) = 1;
    if (experiment.block[at] > 1) x(i, networks + experiment.block[at] - 2) = 1;
    x(i, networks + blocks - 1) = experiment.order[at];
  }
  return x;
}

TEST_CASE("what repeats tell is what a model with a column for each network tells") {
  constexpr Eigen::Index kNetworks = 7, kBlocks = 4;
  std::mt19937_64 random(9);
  Experiment experiment = blocks_of(kNetworks, kBlocks, random);
  for (auto* column : {&experiment.network, &experiment.block}) column->erase(column->begin() + 5, column->begin() + 8);
  experiment.order.erase(experiment.order.begin() + 5, experiment.order.begin() + 8);  // three are not done
  add_term(experiment, "x", {1, 2, 3, 4, 5, 6, 8});
  std::normal_distribution<double> noise(0, 1);
  for (std::size_t i = 0; i < experiment.network.size(); ++i) {
    experiment.response.push_back(10 * static_cast<double>(experiment.network[i]) +
                                  static_cast<double>(experiment.block[i]) + 0.3 * experiment.order[i] + noise(random));
  }
  const Eigen::MatrixXd x = full_model(experiment, kNetworks, kBlocks);
  const Eigen::VectorXd y = Eigen::VectorXd::Map(experiment.response.data(), x.rows());
  const Fit fit = least_squares(x, y);
  const Effects effects = estimate_effects(experiment, 199, 0);
  const Contrast& order = find_effect(effects, kRunOrder).contrasts.at(0);
  const Eigen::Index last = x.cols() - 1;
  const double t = 2.144787;  // t table, 97.5%, 25 readings less 11 columns
  REQUIRE(fit.degrees == 14);
  CHECK(order.slope == Approx(fit.coefficients[last]).epsilon(1e-9));
  CHECK(order.slope_interval.high - order.slope ==
        Approx(t * std::sqrt(fit.scatter(last, last) * fit.residual_sum / 14)).epsilon(1e-5));

  // The line through the networks' means, each as it would be in the average block and place.
  Eigen::MatrixXd line = Eigen::MatrixXd::Ones(kNetworks, 2);
  for (Eigen::Index n = 0; n < kNetworks; ++n) line(n, 1) = n == 6 ? 8 : static_cast<double>(n + 1);
  const Fit of_means = least_squares(line, fit.coefficients.head(kNetworks));
  CHECK(find_effect(effects, "x").contrasts.at(0).slope == Approx(of_means.coefficients[1]).epsilon(1e-9));

  RowGroups repeats(kNetworks), blocks(kBlocks);
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    repeats[static_cast<std::size_t>(experiment.network[static_cast<std::size_t>(i)] - 1)].push_back(i);
    blocks[static_cast<std::size_t>(experiment.block[static_cast<std::size_t>(i)] - 1)].push_back(i);
  }
  std::mt19937_64 first(1), second(1);
  CHECK(permutation_p_value(x.leftCols(last), x.rightCols(1), y, blocks, 499, first) ==
        permutation_p_value(x.middleCols(kNetworks, kBlocks - 1), x.rightCols(1), y, blocks, 499, second, repeats));
}

TEST_CASE("two networks in one block have no columns beside their means") {
  Experiment experiment{.response = {1, 2, 5, 7},
                        .network = {1, 1, 2, 2},
                        .block = {1, 1, 1, 1},
                        .order = {1, 1, 1, 1},
                        .terms = {{.name = "x", .unit = "unit", .numbers = {1, 1, 2, 2}}}};
  const Contrast x = find_effect(estimate_effects(experiment, 99, 0), "x").contrasts.at(0);
  CHECK(x.slope == Approx(4.5));
  // Residuals 0.5, 0.5, 1 and 1: 2.5 over 2 degrees, halved for each mean; t table, 97.5%, 2 degrees.
  CHECK(x.slope_interval.high - x.slope == Approx(4.302653 * std::sqrt(1.25)).epsilon(1e-5));
}

TEST_CASE("a sweep of thousands of repeated networks takes no matrix as wide as they are many") {
  constexpr int kNetworks = 3000;
  std::mt19937_64 random(10);
  Experiment experiment = blocks_of(kNetworks, 2, random);
  std::vector<double> of_networks(kNetworks);
  for (std::size_t n = 0; n < of_networks.size(); ++n) of_networks[n] = static_cast<double>(n);
  add_term(experiment, "x", of_networks);
  std::normal_distribution<double> noise(0, 1);
  for (const std::int64_t network : experiment.network) {
    experiment.response.push_back(2 * static_cast<double>(network) + noise(random));
  }
  const auto peak_kib = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const auto before = peak_kib();
  const Effects effects = estimate_effects(experiment, 99, 0);
  [[maybe_unused]] const auto grown = peak_kib() - before;
#if !defined(__SANITIZE_ADDRESS__)  // which gives back nothing for a while
  CHECK(grown < kNetworks * (2 * kNetworks) * 8 / 1024);
#endif
  CHECK(find_effect(effects, "x").contrasts.at(0).slope == Approx(2).epsilon(1e-3));
}

TEST_CASE("a factor is told level by level against its first") {
  std::mt19937_64 random(5);
  Experiment experiment = blocks_of(9, 3, random);
  Term data{.name = "dataset", .unit = ""};
  std::normal_distribution<double> noise(0, 0.1);
  for (const std::int64_t network : experiment.network) {
    const char* const names[] = {"cifar-10", "fashion-mnist", "mnist"};
    data.levels.emplace_back(names[network % 3]);
    experiment.response.push_back(200 - 40 * static_cast<double>(network % 3 > 0) + noise(random));
  }
  experiment.terms.push_back(data);
  const Effect effect = find_effect(estimate_effects(experiment, 999, 0), "dataset");
  REQUIRE(effect.contrasts.size() == 2);
  CHECK(effect.contrasts[0].level == "fashion-mnist against cifar-10");
  CHECK(effect.contrasts[0].over_range == Approx(-40).epsilon(0.01));
  CHECK(effect.contrasts[1].level == "mnist against cifar-10");
  CHECK(effect.adjusted_p < 0.05);
}

TEST_CASE("the order of the runs is not told where all blocks ran in the same") {
  Experiment experiment;
  for (int block = 1; block <= 3; ++block) {
    for (int network = 1; network <= 4; ++network) {
      experiment.network.push_back(network);
      experiment.block.push_back(block);
      experiment.order.push_back(static_cast<double>(experiment.order.size() + 1));
      experiment.response.push_back(network * 10 + block * 0.1 + (network * block % 3) * 0.05);
    }
  }
  add_term(experiment, "x", {1, 2, 3, 4});
  const Effects effects = estimate_effects(experiment, 99, 0);
  REQUIRE(effects.untold.size() == 1);
  CHECK(effects.untold[0].find("--order shuffled") != std::string::npos);
}

TEST_CASE("designs that cannot answer are refused with a sentence") {
  std::mt19937_64 random(6);
  const auto message_of = [](const Experiment& experiment) -> std::string {
    try {
      estimate_effects(experiment, 99, 0);
    } catch (const NoEffects& error) {
      return error.what();
    }
    return "";
  };
  Experiment one = blocks_of(1, 1, random);
  one.response = {100};
  CHECK(message_of(one) == "1 trial tells no effect: at least 3 are needed");

  Experiment flat = blocks_of(4, 1, random);
  flat.response = {100, 100, 100, 100};
  add_term(flat, "x", {1, 2, 3, 4});
  CHECK(message_of(flat).starts_with("all 4 trials used the same memory, 100.00 MiB"));

  Experiment same = blocks_of(1, 5, random);
  same.response = {1, 2, 3, 4, 5};
  add_term(same, "x", {1});
  CHECK(message_of(same).starts_with("no hyperparameter varies between these trials"));

  Experiment crowded = blocks_of(3, 2, random);
  crowded.response = {1, 2, 3, 4, 5, 7};
  add_term(crowded, "x", {1, 2, 4});
  add_term(crowded, "y", {2, 1, 5});
  add_term(crowded, "z", {0, 3, 1});
  CHECK(message_of(crowded).starts_with("3 different trials cannot tell the effects of x, y, z apart"));

  Experiment tight = blocks_of(3, 1, random);
  tight.response = {1, 2, 4};
  add_term(tight, "x", {1, 2, 4});
  add_term(tight, "y", {2, 1, 5});
  CHECK(message_of(tight).find("--repeats") != std::string::npos);
}

TEST_CASE("in sweeps where a hyperparameter does nothing it is named in one of twenty") {
  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(0, 1);
  int alarms = 0;
  constexpr int kSweeps = 300;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    Experiment experiment = blocks_of(10, 2, random);
    std::vector<double> x(10), nothing(10), of_network(10);
    for (std::size_t i = 0; i < 10; ++i) {
      x[i] = noise(random);
      nothing[i] = noise(random);
      of_network[i] = 5 * x[i] + noise(random);  // what the model does not know, the same in all repeats
    }
    add_term(experiment, "x", x);
    add_term(experiment, "nothing", nothing);
    for (const std::int64_t network : experiment.network) {
      experiment.response.push_back(100 + of_network[static_cast<std::size_t>(network - 1)] + 0.1 * noise(random));
    }
    alarms += find_effect(estimate_effects(experiment, 199, 0), "nothing").p_value <= 0.05;
  }
  CHECK(alarms >= 5);  // 15 expected, standard deviation 3.8
  CHECK(alarms <= 27);
}

TEST_CASE("terms that go along with each other are named with how much wider that makes their intervals") {
  std::mt19937_64 random(8);
  Experiment experiment = blocks_of(12, 2, random);
  std::vector<double> x, nearly;
  for (int i = 0; i < 12; ++i) {
    x.push_back(i);
    nearly.push_back(i + 0.3 * (i % 3));
  }
  add_term(experiment, "x", x);
  add_term(experiment, "nearly x", nearly);
  for (std::size_t i = 0; i < experiment.network.size(); ++i) {
    experiment.response.push_back(static_cast<double>(experiment.network[i]) + static_cast<double>(i % 5));
  }
  const Effects effects = estimate_effects(experiment, 99, 0);
  REQUIRE(effects.untold.size() == 2);
  CHECK(effects.untold[0].starts_with("x goes along with other terms, most with nearly x: its interval is "));
}
