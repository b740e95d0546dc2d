#pragma once

// Inside storage/ only: rows of `trials` as they are written and read.

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "storage/trial_store.h"
#include "sweeps/sweep.h"

namespace memtrack {

// `condition` goes behind WHERE; t is trials, s sweeps. `id` fills ?1, where it has one.
std::vector<Trial> select_trials(SQLite::Database& handle, const std::string& condition,
                                 std::optional<std::int64_t> id = std::nullopt);

// Throws StorageError where there is no such trial.
Trial find_trial_row(SQLite::Database& handle, std::int64_t trial_id, const std::filesystem::path& path);

// Inserts trials of one sweep, one after the other, with a statement that is compiled once.
class TrialInserter {
 public:
  TrialInserter(SQLite::Database& handle, std::int64_t sweep_id, const SweepSettings& settings, std::string state,
                std::string cwd);

  void insert(const TrialPlan& trial);

 private:
  void bind_columns(int& index, const TypedColumns& columns);
  void bind_settings(int& index);

  SQLite::Statement insert_;
  std::int64_t sweep_id_;
  SweepSettings settings_;
  std::string settings_json_;
  std::string state_;
  std::string cwd_;
  std::int64_t queued_ns_;
};

// Queues another attempt at each trial: a row of its own that names the one before. `not_before_ns`: they wait until
// then. Returns their ids.
std::vector<std::int64_t> insert_attempts(SQLite::Database& handle, const std::vector<std::int64_t>& trial_ids,
                                          std::optional<std::int64_t> not_before_ns);

// In the transaction in which a trial ended: queues another attempt where its sweep allows one, so that the sweep is
// never over in between.
void queue_retry_as_allowed(SQLite::Database& handle, std::int64_t trial_id);

}  // namespace memtrack
