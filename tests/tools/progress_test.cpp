#include <doctest/doctest.h>

#include "tests/text.h"
#include "tests/tools/recorded_sweep.h"
#include "tools/sweep_progress.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

TEST_CASE("progress tells each trial's end once, in the order of the queue") {
  RecordedSweep sweep(list_sweep());
  ProgressReader reader(sweep.database(), {1});
  CHECK(reader.look().newly_finished.empty());
  sweep.record({.used_mib = {1000}, .test_accuracy = 0.75});
  sweep.record({.used_mib = {1000}, .state = TrialState::failed, .reason = "exit code 1"});
  const Progress progress = reader.look();
  REQUIRE(progress.newly_finished.size() == 2);
  CHECK(finished_text(progress.newly_finished[0]) == "trial 1 (number 1): done in 0.15 s, accuracy 0.7500");
  CHECK(finished_text(progress.newly_finished[1]) == "trial 2 (number 2): failed after 0.15 s: exit code 1");
  CHECK_FALSE(progress.is_over());
  CHECK(counts_text(progress.counts) == "1 queued, 1 done, 1 failed");
  CHECK(reader.look().newly_finished.empty());
  sweep.record({.used_mib = {1000}});
  CHECK(reader.look().newly_finished.size() == 1);
  CHECK(reader.look().is_over());
}

TEST_CASE("the line of progress counts the running trial's epochs and guesses what is left") {
  Progress progress;
  progress.counts = {{TrialState::done, 1}, {TrialState::running, 1}, {TrialState::queued, 2}};
  progress.first_start_ns = 0;
  progress.running = TrialProgress{.trial_id = 2,
                                  .sweep_id = 1,
                                  .number = 2,
                                  .started_ns = 10 * kSecond,
                                  .epochs = 4,
                                  .epoch = 2,
                                  .test_accuracy = 0.5,
                                  .phase = "train"};
  // 1.5 of 4 trials took 15 s.
  CHECK(remaining_seconds(progress, 15 * kSecond).value() == doctest::Approx(25));
  CHECK(progress_line(progress, 15 * kSecond) ==
        "[#######-------------] 1/4  ETA 25.0 s  trial 2: train, epoch 2/4, accuracy 0.5000, 5.00 s");
}

TEST_CASE("nothing is guessed before anything has ended") {
  Progress progress;
  progress.counts = {{TrialState::queued, 4}};
  CHECK_FALSE(remaining_seconds(progress, 1));
  CHECK(contains(progress_line(progress, 1), "0/4  waiting"));
}

TEST_CASE("a running trial without a holder of its lock is told as lost") {
  const TrialProgress trial{.trial_id = 7, .sweep_id = 2, .number = 3, .repeat = 2, .started_ns = 0};
  CHECK(running_trial_text(trial, kSecond, true) ==
        "trial 7 of sweep 2 (number 3, repeat 2): lost (not yet recovered)");
}

TEST_CASE("the latest sweeps are listed, and all that are unfinished") {
  RecordedSweep sweep(list_sweep() + "---\nmethod: grid\nparameters: {epochs: {values: [1, 2]}}\n");
  CHECK(load_sweep_statuses(sweep.database(), 1).size() == 2);
  for (int i = 0; i < 3; ++i) {
    sweep.record({.used_mib = {1000}});
  }
  const auto statuses = load_sweep_statuses(sweep.database(), 1);
  REQUIRE(statuses.size() == 1);
  CHECK(statuses[0].sweep_id == 2);
  CHECK(statuses[0].counts == StateCounts{{TrialState::queued, 2}});
}
