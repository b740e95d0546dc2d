#include "sweeps/distribution.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sweeps/random.h"
#include "sweeps/sweep.h"

namespace {

using namespace memtrack;

Distribution distribution(const std::string& yaml) {
  return parse_distribution("x", parse_documents(yaml, "f.yaml").at(0).root);
}

std::vector<ParameterValue> draws(const std::string& yaml, std::int64_t count) {
  const Distribution from = distribution(yaml);
  std::vector<ParameterValue> values;
  for (std::int64_t i = 0; i < count; ++i) {
    Random random(7, "x", static_cast<std::uint64_t>(i));
    values.push_back(draw(from, random));
  }
  return values;
}

// Of real draws: the mean and deviation of what `map` makes of them, and the bounds of themselves.
struct Statistics {
  double mean = 0;
  double deviation = 0;
  double lowest = 0;
  double highest = 0;
};

Statistics statistics(
    const std::string& yaml, double (*map)(double) = [](double x) { return x; }) {
  constexpr int kCount = 20000;
  Statistics result{.lowest = INFINITY, .highest = -INFINITY};
  double sum = 0;
  double squares = 0;
  for (const ParameterValue& value : draws(yaml, kCount)) {
    const auto* whole = std::get_if<std::int64_t>(&value.data);
    const double x = whole != nullptr ? static_cast<double>(*whole) : std::get<double>(value.data);
    result.lowest = std::min(result.lowest, x);
    result.highest = std::max(result.highest, x);
    sum += map(x);
    squares += map(x) * map(x);
  }
  result.mean = sum / kCount;
  result.deviation = std::sqrt(squares / kCount - result.mean * result.mean);
  return result;
}

double log_of(double x) {
  return std::log(x);
}

double log_inverse(double x) {
  return std::log(1 / x);
}

// Within five standard errors of what a fixed seed draws 20,000 times.
void check_uniform(const Statistics& found, double low, double high) {
  const double deviation = (high - low) / std::sqrt(12.0);
  CHECK(found.mean == doctest::Approx((low + high) / 2).epsilon(0.0001 + 5 * deviation / 141 / std::abs(low + high)));
  CHECK(found.deviation == doctest::Approx(deviation).epsilon(0.03));
}

}  // namespace

TEST_CASE("uniform draws reals between its bounds") {
  for (const char* yaml : {"{min: 0.5, max: 2.5}", "{min: 0.5, max: 2.5, distribution: uniform}"}) {
    const Statistics found = statistics(yaml);
    CHECK(found.lowest >= 0.5);
    CHECK(found.highest < 2.5);
    check_uniform(found, 0.5, 2.5);
  }
  CHECK(std::holds_alternative<double>(draws("{distribution: uniform, min: 1, max: 5}", 1)[0].data));
  CHECK(std::holds_alternative<double>(draws("{min: 1, max: 5.0}", 1)[0].data));
}

TEST_CASE("bounds that are whole numbers draw whole numbers, both bounds included") {
  for (const char* yaml : {"{min: 5, max: 50}", "{distribution: int_uniform, min: 5, max: 50}"}) {
    std::map<std::int64_t, int> counts;
    for (const ParameterValue& value : draws(yaml, 46000)) {
      ++counts[std::get<std::int64_t>(value.data)];
    }
    CHECK(counts.size() == 46);
    CHECK(counts.begin()->first == 5);
    CHECK(counts.rbegin()->first == 50);
    for (const auto& [value, count] : counts) {
      CHECK(count == doctest::Approx(1000).epsilon(0.17));
    }
  }
}

TEST_CASE("the whole range of 64 bits can be drawn from") {
  std::set<bool> signs;
  for (const ParameterValue& value : draws("{min: -9223372036854775808, max: 9223372036854775807}", 100)) {
    signs.insert(std::get<std::int64_t>(value.data) < 0);
  }
  CHECK(signs.size() == 2);
}

TEST_CASE("log_uniform takes exponents, log_uniform_values takes the values themselves") {
  const Statistics exponents = statistics("{distribution: log_uniform, min: -9, max: -2}", log_of);
  CHECK(exponents.lowest >= std::exp(-9));
  CHECK(exponents.highest <= std::exp(-2));
  check_uniform(exponents, -9, -2);
  const Statistics values = statistics("{distribution: log_uniform_values, min: 1.0e-5, max: 0.1}", log_of);
  CHECK(values.lowest >= 1e-5);
  CHECK(values.highest <= 0.1);
  check_uniform(values, std::log(1e-5), std::log(0.1));
}

TEST_CASE("inv_log_uniform is uniform in the logarithm of the inverse") {
  const Statistics exponents = statistics("{distribution: inv_log_uniform, min: 2, max: 9}", log_inverse);
  CHECK(exponents.lowest >= std::exp(-9));
  CHECK(exponents.highest <= std::exp(-2));
  check_uniform(exponents, 2, 9);
  const Statistics values = statistics("{distribution: inv_log_uniform_values, min: 0.001, max: 0.5}", log_inverse);
  CHECK(values.lowest >= 0.001);
  CHECK(values.highest <= 0.5);
  check_uniform(values, std::log(1 / 0.5), std::log(1 / 0.001));
}

TEST_CASE("normal and log_normal have mu and sigma, 0 and 1 where left out") {
  const Statistics standard = statistics("{distribution: normal}");
  CHECK(standard.mean == doctest::Approx(0).epsilon(0.04));
  CHECK(standard.deviation == doctest::Approx(1).epsilon(0.03));
  const Statistics shifted = statistics("{distribution: normal, mu: 10, sigma: 0.5}");
  CHECK(shifted.mean == doctest::Approx(10).epsilon(0.002));
  CHECK(shifted.deviation == doctest::Approx(0.5).epsilon(0.03));
  const Statistics logarithmic = statistics("{distribution: log_normal, mu: 2, sigma: 0.25}", log_of);
  CHECK(logarithmic.mean == doctest::Approx(2).epsilon(0.01));
  CHECK(logarithmic.deviation == doctest::Approx(0.25).epsilon(0.03));
  CHECK(statistics("{distribution: normal, mu: 3, sigma: 0}").deviation == doctest::Approx(0));
}

TEST_CASE("beta lies between 0 and 1 with mean a / (a + b)") {
  for (const auto& [a, b] : std::vector<std::pair<double, double>>{{1, 1}, {2, 5}, {0.5, 0.5}, {0.1, 2}}) {
    const Statistics found = statistics("{distribution: beta, a: " + python_float(a) + ", b: " + python_float(b) + "}");
    CHECK(found.lowest >= 0);
    CHECK(found.highest <= 1);
    CHECK(found.mean == doctest::Approx(a / (a + b)).epsilon(0.06));
    CHECK(found.deviation == doctest::Approx(std::sqrt(a * b / ((a + b) * (a + b) * (a + b + 1)))).epsilon(0.06));
  }
}

TEST_CASE("quantized distributions draw multiples of q, whole where q is whole or left out") {
  struct Case {
    const char* yaml;
    double q;
    bool whole;
    double lowest;
    double highest;
  };
  const std::vector<Case> cases = {
      {"{distribution: q_uniform, min: 0, max: 100, q: 8}", 8, true, 0, 104},
      {"{distribution: q_uniform, min: 0.0, max: 1.0, q: 0.25}", 0.25, false, 0, 1},
      {"{distribution: q_uniform, min: 0.0, max: 9.0}", 1, true, 0, 9},
      {"{distribution: q_uniform, min: 0.0, max: 9.0, q: 3.0}", 3, false, 0, 9},
      {"{distribution: q_log_uniform, min: 0, max: 5, q: 2}", 2, true, 0, 150},
      {"{distribution: q_log_uniform_values, min: 32, max: 256, q: 8}", 8, true, 32, 256},
      {"{distribution: q_normal, mu: 100, sigma: 20, q: 5}", 5, true, -100, 300},
      {"{distribution: q_log_normal, mu: 3, sigma: 1, q: 0.5}", 0.5, false, 0, 5000},
      {"{distribution: q_beta, a: 2, b: 2, q: 0.1}", 0.1, false, 0, 1.0000001},
  };
  for (const Case& c : cases) {
    CAPTURE(c.yaml);
    std::set<double> seen;
    for (const ParameterValue& value : draws(c.yaml, 2000)) {
      REQUIRE(std::holds_alternative<std::int64_t>(value.data) == c.whole);
      const double x = c.whole ? static_cast<double>(std::get<std::int64_t>(value.data)) : std::get<double>(value.data);
      CHECK(x >= c.lowest);
      CHECK(x <= c.highest);
      CHECK(x / c.q == doctest::Approx(std::round(x / c.q)));
      seen.insert(x);
    }
    CHECK(seen.size() > 3);
  }
}

TEST_CASE("categorical draws all values alike, or as often as their probabilities say") {
  std::map<std::string, int> alike;
  for (const ParameterValue& value : draws("{values: [a, 2, null, [1]]}", 40000)) {
    ++alike[python_str(value)];
  }
  CHECK(alike.size() == 4);
  for (const auto& [value, count] : alike) {
    CHECK(count == doctest::Approx(10000).epsilon(0.05));
  }
  for (const char* name : {"", ", distribution: categorical", ", distribution: categorical_w_probabilities"}) {
    std::map<std::string, int> weighted;
    for (const ParameterValue& value :
         draws("{values: [a, b, c], probabilities: [0.7, 0, 0.3]" + std::string(name) + "}", 40000)) {
      ++weighted[python_str(value)];
    }
    CHECK(weighted.size() == 2);
    CHECK(weighted["a"] == doctest::Approx(28000).epsilon(0.03));
  }
}

TEST_CASE("layer_widths draws a list of widths") {
  std::set<std::size_t> depths;
  std::set<std::int64_t> widths;
  for (const ParameterValue& value :
       draws("{distribution: layer_widths, depth: {min: 5, max: 9}, width: {min: 5, max: 506}}", 2000)) {
    const auto& list = std::get<ValueList>(value.data);
    depths.insert(list.size());
    for (const ParameterValue& width : list) {
      widths.insert(std::get<std::int64_t>(width.data));
    }
  }
  CHECK(depths == std::set<std::size_t>{5, 6, 7, 8, 9});
  CHECK(*widths.begin() == 5);
  CHECK(*widths.rbegin() == 506);
  CHECK(widths.size() == 502);
  CHECK(python_str(draws("{distribution: layer_widths, depth: 2, width: 64}", 1)[0]) == "[64, 64]");
}

TEST_CASE("a grid goes through the countable distributions as W&B does") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{value: 3}", "[3]"},
      {"{values: [a, [1, 2], null]}", "['a', [1, 2], None]"},
      {"{min: 2, max: 5}", "[2, 3, 4, 5]"},
      {"{distribution: q_uniform, min: 0, max: 10, q: 4}", "[0, 4, 8]"},
      {"{distribution: q_uniform, min: 0, max: 8, q: 4}", "[0, 4]"},  // the end is left out, as by numpy.arange
      {"{distribution: q_uniform, min: 0.0, max: 1.0, q: 0.25}", "[0.0, 0.25, 0.5, 0.75]"},
      {"{distribution: q_uniform, min: 1, max: 4}", "[1, 2, 3]"},
      {"{distribution: q_uniform, min: 3, max: 3}", "[3]"},
  };
  for (const auto& [yaml, text] : cases) {
    CAPTURE(yaml);
    const Distribution from = distribution(yaml);
    ValueList values;
    for (std::int64_t i = 0; i < grid_count(from).value_or(0); ++i) {
      values.push_back(grid_value(from, i));
    }
    CHECK(python_str({values}) == text);
  }
  for (const char* yaml : {"{min: 0.0, max: 1.0}", "{distribution: normal}", "{distribution: q_normal, q: 1}",
                           "{values: [1, 2], probabilities: [0.5, 0.5]}",
                           "{distribution: layer_widths, depth: 2, width: {min: 1, max: 2}}"}) {
    CHECK(grid_count(distribution(yaml)) == std::nullopt);
  }
}

TEST_CASE("the same seed, purpose and index give the same numbers on every machine and in every version") {
  Random random(0, "learning_rate", 0);
  CHECK(random.next() == 13538349663382995219U);
  CHECK(random.next() == 4530821441931916559U);
  Random other(0, "learning_rate", 1);
  CHECK(other.unit() == doctest::Approx(0.5282428880265737));
}

TEST_CASE("a permutation holds each number once, and every order can come up") {
  std::map<std::vector<std::int64_t>, int> orders;
  for (std::uint64_t i = 0; i < 24000; ++i) {
    Random random(1, "order", i);
    ++orders[permutation(4, random)];
  }
  CHECK(orders.size() == 24);
  for (const auto& [order, count] : orders) {
    CHECK(std::is_permutation(order.begin(), order.end(), std::vector<std::int64_t>{0, 1, 2, 3}.begin()));
    CHECK(count == doctest::Approx(1000).epsilon(0.17));
  }
  Random random(1, "order", 0);
  CHECK(permutation(0, random).empty());
}
