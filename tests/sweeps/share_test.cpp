#include "sweeps/share.h"

#include <doctest/doctest.h>

#include <set>
#include <stdexcept>
#include <string>
#include <tuple>

#include "sweeps/sweep.h"

using namespace memtrack;

TEST_CASE("a share is I of N") {
  const Share share = parse_share("2/4", "a");
  CHECK(share.index == 2);
  CHECK(share.count == 4);
  CHECK(share.submission_uid == "a");
  CHECK(parse_share("1/1", "").count == 1);
  for (const char* wrong : {"", "/", "1", "1/", "/4", "0/4", "5/4", "-1/4", "1/0", "1/4x", " 1/4", "1.5/4", "1/2/4",
                            "1/99999999999999999999"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_share(wrong, ""), std::invalid_argument);
  }
}

TEST_CASE("the shares of a sweep are all of its trials and none twice but the warm-ups") {
  const Sweep sweep = parse_sweep_file(
                          "method: grid\nparameters: {learning_rate: {values: [0.1, 0.2, 0.3, 0.4, 0.5]}}\n"
                          "memtrack: {repeats: 3, warmup: 1, order: shuffled}\n",
                          "f.yaml", {})
                          .at(0);
  for (const std::int64_t count : {1, 2, 4, 20}) {
    CAPTURE(count);
    std::set<std::tuple<std::int64_t, std::int64_t>> scored;
    std::int64_t taken = 0, warmups = 0;
    for (std::int64_t index = 1; index <= count; ++index) {
      std::int64_t of_this_share = 0;
      for_each_trial(sweep, {.environment = {}, .trainer = "t", .share = Share{.index = index, .count = count}},
                     [&](const TrialPlan& trial) {
                       if (trial.is_warmup) {
                         ++warmups;
                       } else {
                         ++of_this_share;
                         scored.emplace(trial.number, trial.repeat);
                       }
                     });
      CHECK(of_this_share >= 15 / count);
      CHECK(of_this_share <= (15 + count - 1) / count);
      taken += of_this_share;
    }
    CHECK(taken == 15);
    CHECK(scored.size() == 15);
    CHECK(warmups == count);
  }
}

TEST_CASE("a sweep without an end has no shares") {
  const Sweep sweep =
      parse_sweep_file("method: random\nparameters: {learning_rate: {min: 0.1, max: 0.2}}\n", "f.yaml", {}).at(0);
  CHECK_THROWS_WITH_AS(
      for_each_drawn_trial(sweep, {.environment = {}, .trainer = "t", .share = Share()}, 1, 1, [](const TrialPlan&) {}),
      doctest::Contains("give --count N"), SweepError);
}
