#pragma once

// Sweeps and trials as the daemon and the tools see them: submitted, looked at, ended. What is queued: trial_queue.h.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/trial_recorder.h"
#include "sweeps/sweep.h"
#include "sweeps/trial_state.h"

namespace memtrack {

struct SubmittedSweep {
  std::int64_t sweep_id = 0;
  std::string uid = {};
  std::string name = {};
  std::int64_t trial_count = 0;  // queued now
  bool is_open_ended = false;    // more is drawn as they run
  std::vector<std::string> warnings = {};
};

// Inserts the sweeps and all their trials, of an open-ended one the first, queued, in one transaction: all or nothing.
// Of a share those trials alone, and only those that are not here yet, into the sweep of its submission.
// `overrides_json`: what the command line changed, kept with the sweep. `before_commit` gets the ids before anybody
// else can see them, for what must be there before the first trial is claimed; where it throws, nothing is inserted.
std::vector<SubmittedSweep> insert_sweeps(
    Database& database, const std::vector<Sweep>& sweeps, const ExpansionContext& context, const std::string& cwd,
    const std::string& overrides_json,
    const std::function<void(const std::vector<SubmittedSweep>&)>& before_commit = {});

// What a collector needs to run a trial, and a supervisor to start one.
struct Trial {
  std::int64_t trial_id = 0;
  std::string uid = {};
  std::int64_t sweep_id = 0;
  std::string sweep_uid = {};
  TrialState state = TrialState::queued;
  std::vector<std::string> command = {};
  std::string cwd = {};
  std::string parameters_json = {};
  std::int64_t interval_ns = 0;
  std::optional<std::int64_t> timeout_ns = {};
  std::optional<std::int64_t> memory_limit_bytes = {};  // its cgroup must hold it to that
  std::string cgroup = {};                              // folder of its own cgroup; empty: none, or not begun
  std::optional<std::int64_t> settle_ns = {};           // waited before the baseline
  std::optional<std::int64_t> baseline_ns = {};         // the idle system is sampled this long, before and after
  bool is_attached = false;                             // ran before us: nobody of ours may start or end it
  std::optional<std::int64_t> started_ns = {};          // none: the command has not been started, whatever the state
};

// A trial of one command, already `running`, in a sweep of its own of method "run" (memtrack run).
Trial insert_run(Database& database, const std::string& name, const std::vector<std::string>& command,
                 const std::string& cwd, std::chrono::nanoseconds interval,
                 std::optional<std::int64_t> memory_limit_bytes = std::nullopt);

// The same for a process that runs already, of method "attach" (memtrack attach). `command`: its words, as it shows
// them.
Trial insert_attached(Database& database, const std::string& name, const std::vector<std::string>& command,
                      const std::string& cwd, std::chrono::nanoseconds interval);

// Throws StorageError where there is no such trial.
Trial find_trial(Database& database, std::int64_t trial_id);

// All trials in state `running`, oldest first.
std::vector<Trial> running_trials(Database& database);

// Ends a trial that nobody else can end: only where it still is `running`. False: it was not. What failed or was lost
// is queued once more where its sweep allows another attempt.
bool end_trial(Database& database, std::int64_t trial_id, TrialState state, const std::string& reason);

// Which sweep a user means: an id or a name (the latest of that name); empty: the latest of all. nullopt: none.
std::optional<std::int64_t> find_sweep(Database& database, const std::string& id_or_name);

}  // namespace memtrack
