#pragma once

// What is queued: claimed, put back, cancelled, retried, paused, and drawn where a sweep has no end. The daemon alone
// changes it. The order is that of sweeps/schedule.h.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/trial_store.h"
#include "sweeps/sweep.h"

namespace memtrack {

struct Claim {
  std::optional<Trial> trial = {};          // `running` now; none: nothing may start
  std::optional<std::int64_t> due_ns = {};  // then something may that waits until then; Unix epoch
  bool work_left = false;                   // something is queued or runs, or is to be drawn, and is not paused
};

// Turns the next trial (of `sweep_id`, where given) to `running`, by one conditional UPDATE.
Claim claim_next_trial(Database& database, std::optional<std::int64_t> sweep_id);

// Puts back a claimed trial whose command was never started. False: it was not claimed or had been started.
bool requeue_trial(Database& database, std::int64_t trial_id);

// Queued trials of a sweep become `cancelled`; nothing more of it is drawn, and no attempt at a trial of it repeated.
// Returns how many.
std::int64_t cancel_queued_trials(Database& database, std::int64_t sweep_id);
// The same for one trial; its sweep goes on. False: it was not queued.
bool cancel_queued_trial(Database& database, std::int64_t trial_id);

// What cannot be retried; what() says why.
class RetryRefused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Queues another attempt at every trial of the sweep that ended failed, oom_killed, timed_out or lost and has not been
// tried again: a row each that names it in retry_of. Returns their ids.
// Throws RetryRefused for a sweep of `memtrack run` or `attach`, which only their callers can start.
std::vector<std::int64_t> retry_failed_trials(Database& database, std::int64_t sweep_id);
// The same for one trial, which may have been cancelled too. Throws RetryRefused also where it is done, not over yet,
// or has been tried again already. Returns the new one's id.
std::int64_t retry_trial(Database& database, std::int64_t trial_id);

// Nothing of a paused sweep begins; what runs goes on. False: there is no such sweep.
bool pause_sweep(Database& database, std::int64_t sweep_id, bool paused);

// An open-ended sweep, as its trials are drawn.
struct OpenSweep {
  std::int64_t sweep_id = 0;
  std::int64_t jobs = 1;
  std::int64_t queued = 0;
  std::string config = {};
  std::string overrides_json = {};
  std::string cwd = {};
};

// Those of which more is to be drawn by now, oldest first (`sweep_id` alone, where given), without their texts.
std::vector<OpenSweep> sweeps_to_draw(Database& database, std::optional<std::int64_t> sweep_id);

// nullopt: nothing more is to be drawn of it.
std::optional<OpenSweep> find_open_sweep(Database& database, std::int64_t sweep_id);

// Nothing more is to be drawn of it.
void close_open_sweep(Database& database, std::int64_t sweep_id);

// Queues the next trials of an open-ended sweep, as many as are due. Returns how many.
std::int64_t insert_drawn_trials(Database& database, const OpenSweep& open, const Sweep& sweep,
                                 const ExpansionContext& context);

}  // namespace memtrack
