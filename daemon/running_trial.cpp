#include "daemon/running_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "daemon/processes.h"
#include "storage/paths.h"
#include "storage/query.h"
#include "storage/trial_lock.h"
#include "storage/trial_queue.h"

namespace memtrack {

RunningTrial look_at(Database& database, const Trial& trial) {
  RunningTrial found{.trial = trial, .evidence = {}, .collector = open_collector(database, trial)};
  const ResultTable row =
      query(database,
            "SELECT s.method IN ('run', 'attach'), t.queued_ns FROM trials t JOIN sweeps s USING (sweep_id) "
            "WHERE t.trial_id = ?1",
            {Value(trial.trial_id)});
  if (!row.rows.empty()) {
    found.evidence.foreground = std::get<std::int64_t>(row.rows[0][0]) != 0;
    found.evidence.age = std::chrono::nanoseconds(now_ns() - std::get<std::int64_t>(row.rows[0][1]));
  }
  found.evidence.collector_lives = static_cast<bool>(found.collector);
  found.evidence.lock_held = is_lock_held(trial_lock_path(trial.uid));
  found.evidence.started = trial.started_ns.has_value();
  return found;
}

std::optional<Trial> find_running(Database& database, std::int64_t trial_id) {
  std::vector<Trial> trials = running_trials(database);
  const auto found =
      std::find_if(trials.begin(), trials.end(), [&](const Trial& trial) { return trial.trial_id == trial_id; });
  return found == trials.end() ? std::nullopt : std::optional(std::move(*found));
}

std::optional<bool> put_back(Database& database, const Trial& trial) {
  // Under the lock, so that nobody starts it meanwhile.
  const std::optional<TrialLock> lock = TrialLock::try_acquire(trial_lock_path(trial.uid));
  if (!lock) {
    return std::nullopt;
  }
  return requeue_trial(database, trial.trial_id);
}

void remove_files(const Trial& trial, const std::filesystem::path& database) {
  try {
    const std::filesystem::path path = trial_lock_path(trial.uid);
    if (const std::optional<TrialLock> lock = TrialLock::try_acquire(path)) {
      std::error_code ignored;
      for (const char* name : {"args.json", "params.yaml"}) {
        std::filesystem::remove(trial_private_path(database, trial.trial_id, name), ignored);
      }
      std::filesystem::remove(event_socket_path(trial.uid), ignored);
      std::filesystem::remove(path, ignored);
    }
  } catch (const std::runtime_error&) {
    // On a full disk, or where the folder of locks is gone: some small files are left, and harm nobody.
  }
}

std::size_t remove_leftovers(Database& database) {
  std::vector<std::string> uids;
  for (const auto& entry : std::filesystem::directory_iterator(runtime_directory())) {
    if (entry.path().extension() == ".lock") {
      uids.push_back(entry.path().stem().string());
    }
  }
  std::size_t removed = 0;
  for (const std::string& uid : uids) {
    const ResultTable over = query(
        database, "SELECT trial_id FROM trials WHERE uid = ?1 AND state NOT IN ('queued', 'running')", {Value(uid)});
    if (!over.rows.empty()) {
      remove_files({.trial_id = std::get<std::int64_t>(over.rows[0][0]), .uid = uid}, database.path());
      ++removed;
    }
  }
  return removed;
}

std::string lost_reason(const std::string& collector_end, bool started, std::size_t killed) {
  std::string reason = "its collector " + collector_end;
  if (!started) {
    reason += " before it started the command";
  }
  if (killed > 0) {
    reason +=
        fmt::format("; {} process{} of it {} killed", killed, killed == 1 ? "" : "es", killed == 1 ? "was" : "were");
  }
  return reason;
}

}  // namespace memtrack
