#pragma once

// How far sweeps are, read from the database alone. load_*() read; everything else is a function of its arguments.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "sweeps/trial_state.h"

namespace memtrack {

using StateCounts = std::map<TrialState, std::int64_t>;  // states without trials are left out

std::int64_t count_all(const StateCounts& counts);
std::int64_t count_final(const StateCounts& counts);

// "20 done, 2 failed"; "no trials" where there are none.
std::string counts_text(const StateCounts& counts);

struct SweepStatus {
  std::int64_t sweep_id = 0;
  std::string uid;
  std::string name;
  std::string method;
  std::string state;
  std::int64_t created_ns = 0;
  std::int64_t priority = 0;
  bool is_paused = false;
  bool is_open_ended = false;  // more of it is drawn
  StateCounts counts;
};

// One sweep; or the latest `limit` and all that are unfinished, oldest first.
SweepStatus load_sweep_status(Database& database, std::int64_t sweep_id);
std::vector<SweepStatus> load_sweep_statuses(Database& database, std::int64_t limit);

struct TrialProgress {
  std::int64_t trial_id = 0;
  std::string uid = {};
  std::int64_t sweep_id = 0;
  std::int64_t number = 0;
  std::int64_t repeat = 1;
  bool is_warmup = false;
  std::optional<std::int64_t> started_ns = {};
  std::optional<std::int64_t> epochs = {};  // that it is to train
  std::optional<std::int64_t> epoch = {};   // the last that it told
  std::optional<double> train_loss = {}, test_accuracy = {};
  std::string phase = {};  // in its latest sample
};

// Trials in state `running`, of one sweep or of all.
std::vector<TrialProgress> load_running_trials(Database& database, std::optional<std::int64_t> sweep_id);

// How far it is: "train, epoch 3/18, accuracy 0.9123, 12.3 s".
std::string running_state_text(const TrialProgress& trial, std::int64_t now_ns);

// "trial 13 of sweep 2 (number 12): train, epoch 3/18, accuracy 0.9123, 12.3 s". `lost`: its collector is gone.
std::string running_trial_text(const TrialProgress& trial, std::int64_t now_ns, bool lost);

}  // namespace memtrack
