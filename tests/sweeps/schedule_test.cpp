#include "sweeps/schedule.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace memtrack;
using namespace std::chrono_literals;

namespace {

struct Case {
  std::string what;
  std::vector<QueuedSweep> queued;
  std::vector<std::int64_t> running;  // their sweeps
  Decision right;
};

}  // namespace

TEST_CASE(
    "the trial that was queued first of the sweep with the highest priority runs next where there is a job for it") {
  const Case cases[] = {
      {"nothing is queued", {}, {}, {}},
      {"nothing is queued and one runs", {}, {1}, {}},
      {"one is queued", {{.sweep_id = 1, .first_trial_id = 5}}, {}, {.trial_id = 5}},
      {"its sweep has one job", {{.sweep_id = 1, .first_trial_id = 5}}, {1}, {}},
      {"its sweep has two jobs", {{.sweep_id = 1, .jobs = 2, .first_trial_id = 5}}, {1}, {.trial_id = 5}},
      {"both jobs are taken", {{.sweep_id = 1, .jobs = 2, .first_trial_id = 5}}, {1, 1}, {}},
      {"another sweep runs", {{.sweep_id = 2, .jobs = 2, .first_trial_id = 5}}, {1}, {}},
      {"the first one queued goes first",
       {{.sweep_id = 1, .first_trial_id = 9}, {.sweep_id = 2, .first_trial_id = 5}},
       {},
       {.trial_id = 5}},
      {"a higher priority goes first",
       {{.sweep_id = 1, .first_trial_id = 5}, {.sweep_id = 2, .priority = 1, .first_trial_id = 9}},
       {},
       {.trial_id = 9}},
      {"a lower one goes last",
       {{.sweep_id = 1, .priority = -1, .first_trial_id = 5}, {.sweep_id = 2, .first_trial_id = 9}},
       {},
       {.trial_id = 9}},
      {"a higher priority is not kept waiting by jobs of a lower one that are left",
       {{.sweep_id = 1, .jobs = 4, .first_trial_id = 5}, {.sweep_id = 2, .priority = 1, .first_trial_id = 9}},
       {1},
       {}},
      {"what waits lets the others go",
       {{.sweep_id = 1, .priority = 1, .next_due_ns = 100}, {.sweep_id = 2, .first_trial_id = 9}},
       {},
       {.trial_id = 9, .due_ns = 100}},
      {"the first that is due is waited for",
       {{.sweep_id = 1, .next_due_ns = 300}, {.sweep_id = 2, .next_due_ns = 200}},
       {},
       {.due_ns = 200}},
      {"two sweeps run, as an earlier program may have left them",
       {{.sweep_id = 1, .jobs = 4, .first_trial_id = 5}},
       {1, 2},
       {}},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    const Decision decision = decide(one.queued, one.running);
    CHECK(decision.trial_id.value_or(-1) == one.right.trial_id.value_or(-1));
    CHECK(decision.due_ns.value_or(-1) == one.right.due_ns.value_or(-1));
  }
}

TEST_CASE("a retry waits twice as long as the one before and five minutes at most") {
  CHECK(retry_delay(1) == 1s);
  CHECK(retry_delay(2) == 2s);
  CHECK(retry_delay(5) == 16s);
  CHECK(retry_delay(9) == 256s);
  CHECK(retry_delay(10) == 5min);
  CHECK(retry_delay(1000) == 5min);
}

TEST_CASE("an open-ended sweep is drawn ahead in small batches") {
  CHECK(trials_to_draw(0, 1) > 4);
  CHECK(trials_to_draw(0, 1) < 20);
  CHECK(trials_to_draw(4, 1) > 0);
  CHECK(trials_to_draw(5, 1) == 0);
  CHECK(trials_to_draw(5, 8) >= 8);
  CHECK(trials_to_draw(12, 8) == 0);
}
