#pragma once

// Which trial runs next, as a function of what is queued and what runs: nothing here knows of files or clocks.
//
// Sweeps of higher priority first; of the same priority, the trial that was queued first. Trials of one sweep run
// beside each other as far as its `jobs` says, those of two sweeps never: a sweep that asked for one job has the
// machine alone.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

namespace memtrack {

// A sweep of which something is queued. Ids of trials are in the order of queueing.
struct QueuedSweep {
  std::int64_t sweep_id = 0;
  std::int64_t priority = 0;
  std::int64_t jobs = 1;
  std::optional<std::int64_t> first_trial_id = {};  // of those that may start now
  std::optional<std::int64_t> next_due_ns = {};     // when the first of those that wait may; Unix epoch
};

struct Decision {
  std::optional<std::int64_t> trial_id = {};  // start this one; none: nothing may start
  std::optional<std::int64_t> due_ns = {};    // then decide again, where nothing else happens before
};

// `running`: the sweep of each trial that runs, of the queue's alone.
Decision decide(std::span<const QueuedSweep> queued, std::span<const std::int64_t> running);

// How long a trial waits before it is tried again, its `attempt`-th having failed: 1 s, 2 s, 4 s, ... 5 min. What made
// it fail (a full disk, memory taken by others) may have passed by then.
std::chrono::seconds retry_delay(std::int64_t attempt);

// Of an open-ended sweep so many trials are drawn now, of which `queued` wait already. 0: there are enough to begin the
// next ones without waiting for more to be drawn.
std::int64_t trials_to_draw(std::int64_t queued, std::int64_t jobs);

}  // namespace memtrack
