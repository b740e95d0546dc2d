#include "tools/predict/regression.h"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>
#include <random>

using namespace memtrack;
using doctest::Approx;

namespace {

// A program that takes 100 MiB, and batch x width x 0.001 MiB.
PastRun run_of(int batch, int width, double noise = 0, const std::string& optimizer = "\"sgd\"") {
  return {.parameters = {{"batch", fmt::format("{}", batch)},
                         {"width", fmt::format("{}", width)},
                         {"rate", fmt::format("{}", 0.01 * (batch % 7 + 1))},
                         {"optimizer", optimizer}},
          .peak_mib = 100 + 0.001 * batch * width + noise};
}

std::vector<PastRun> random_runs(int count, double deviation, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, deviation);
  std::uniform_int_distribution<int> size(1, 500);
  std::vector<PastRun> runs;
  for (int i = 0; i < count; ++i) runs.push_back(run_of(size(random), size(random), noise(random)));
  return runs;
}

}  // namespace

TEST_CASE("what a program's memory follows is found among its parameters and their products") {
  const Regression regression(random_runs(40, 0.5, 1));
  CHECK(regression.terms() == std::vector<std::string>{"batch x width"});
  const Regression::Answer answer = regression.predict(run_of(250, 300).parameters);
  CHECK(answer.mib == Approx(175).epsilon(0.01));
  CHECK(answer.interval.low > 172);
  CHECK(answer.interval.high < 178);
  CHECK(regression.relative_error() < 0.01);
}

TEST_CASE("19 of 20 next trials of a program lie within the interval") {
  int inside = 0, asked = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Regression regression(random_runs(24, 3, seed));
    for (const PastRun& next : random_runs(25, 3, seed + 1000)) {
      const Interval interval = regression.predict(next.parameters).interval;
      inside += interval.low <= next.peak_mib && next.peak_mib <= interval.high ? 1 : 0;
      ++asked;
    }
  }
  CHECK(static_cast<double>(inside) / asked == Approx(0.95).epsilon(0.025));
}

TEST_CASE("parameters that do nothing leave the mean") {
  std::mt19937_64 random(5);
  std::normal_distribution<double> noise(0, 2);
  std::vector<PastRun> runs;
  for (int i = 0; i < 12; ++i) {
    runs.push_back({.parameters = {{"rate", fmt::format("{}", 0.1 * (i + 1))}}, .peak_mib = 300 + noise(random)});
  }
  const Regression regression(runs);
  CHECK(regression.terms().empty());
  const Regression::Answer answer = regression.predict({{"rate", "0.55"}});
  CHECK(answer.mib == Approx(300).epsilon(0.01));
  CHECK(answer.beyond.empty());
}

TEST_CASE("words count as what they name and lists by their sum and length") {
  std::vector<PastRun> runs;
  for (int i = 0; i < 24; ++i) {
    const int first = 100 + 37 * i, second = 200 + 91 * (i % 5);
    const bool is_adam = i % 2 == 0;
    runs.push_back({.parameters = {{"layers", fmt::format("[{},{}]", first, second)},
                                   {"optimizer", is_adam ? "\"adam\"" : "\"sgd\""}},
                    .peak_mib = 50 + 0.1 * (first + second) + (is_adam ? 40 : 0) + 0.01 * (i % 3)});
  }
  const Regression regression(runs);
  const Regression::Answer answer = regression.predict({{"layers", "[300,300]"}, {"optimizer", "\"adam\""}});
  CHECK(answer.mib == Approx(150).epsilon(0.005));
  CHECK(regression.predict({{"layers", "[300,300]"}, {"optimizer", "\"sgd\""}}).mib == Approx(110).epsilon(0.005));
}

TEST_CASE("a word that was never measured is refused and a number beyond is told") {
  std::vector<PastRun> runs = random_runs(20, 0.5, 3);
  const Regression regression(runs);
  PastRun next = run_of(100, 100);
  next.parameters["optimizer"] = "\"lion\"";
  CHECK_THROWS_WITH_AS(regression.predict(next.parameters), "optimizer lion", UnknownValue);
  CHECK(regression.predict(run_of(100, 100).parameters).beyond.empty());
  CHECK(regression.predict(run_of(100, 5000).parameters).beyond == "width");
}

TEST_CASE("too few settings are no ground to predict others by") {
  CHECK_THROWS_WITH_AS(Regression({}),
                       "0 trials of this program with 0 settings of its parameters are done on this machine, and 5 "
                       "different settings are needed",
                       NotEnoughTrials);
  CHECK_THROWS_AS(Regression({run_of(1, 2)}), NotEnoughTrials);
  CHECK_THROWS_AS(Regression({run_of(1, 2), run_of(3, 4), run_of(5, 6), run_of(5, 6), run_of(7, 8)}), NotEnoughTrials);
}

TEST_CASE("repeats of one setting tell the next one of the same") {
  const Regression regression({run_of(10, 100, 1), run_of(10, 100, -1), run_of(10, 100, 0)});
  const Regression::Answer answer = regression.predict(run_of(10, 100).parameters);
  CHECK(answer.mib == Approx(101));
  // t(0.975, 2) = 4.303; deviation 1; sqrt(1 + 1/3).
  CHECK(answer.interval.high - answer.mib == Approx(4.9685).epsilon(1e-3));
  CHECK(regression.predict(run_of(20, 100).parameters).beyond == "batch");
}

TEST_CASE("repeats are one setting and not more of them") {
  std::vector<PastRun> once = random_runs(12, 0.5, 7), thrice;
  for (const PastRun& run : once) {
    for (int i = 0; i < 3; ++i) thrice.push_back(run);
  }
  const PastRun next = run_of(77, 88);
  const Interval of_once = Regression(once).predict(next.parameters).interval;
  const Interval of_thrice = Regression(thrice).predict(next.parameters).interval;
  CHECK(of_once.low == Approx(of_thrice.low));
  CHECK(of_once.high == Approx(of_thrice.high));
}
