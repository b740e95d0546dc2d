#include "tools/foreground_trial.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <stdexcept>

#include "daemon/processes.h"
#include "daemon/recovery.h"
#include "storage/paths.h"
#include "storage/trial_lock.h"
#include "sweeps/sweep.h"
#include "tools/child_process.h"
#include "tools/exit_codes.h"
#include "tools/text.h"

namespace memtrack {

std::chrono::nanoseconds checked_interval(const std::string& text) {
  const std::chrono::nanoseconds interval = parse_duration(text);
  if (interval < std::chrono::milliseconds(1) || interval > std::chrono::hours(24)) {
    throw UsageError(fmt::format("--interval is {}, and would have to be between 1ms and 24h", text));
  }
  return interval;
}

Database open_for_trial(const std::filesystem::path& path) {
  event_socket_path(make_uid());  // throws
  Database database = Database::open_for_writing(path);
  recover(database);
  return database;
}

pid_t start_collector(const Database& database, const Trial& trial, const SignalWatch& signals,
                      const std::vector<std::string>& options) {
  // Ours only until the end of this function: it is free when the collector ends, however it ends.
  const auto lock = TrialLock::try_acquire(trial_lock_path(trial.uid));
  if (!lock) {
    throw std::runtime_error(fmt::format("cannot take the lock of trial {}: someone holds it", trial.trial_id));
  }
  std::vector<std::string> arguments = {
      "--db",      database.path().string(),           "--trial",     std::to_string(trial.trial_id),
      "--lock-fd", std::to_string(lock->descriptor()), "--foreground"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return start_child({.program = sibling_program("memtrack-collector"),
                      .arguments = arguments,
                      .hand_down = lock->descriptor(),
                      .signal_mask = signals.mask_before()});
}

int wait_for_collector(pid_t collector, const SignalWatch& signals, const std::function<void(int signal)>& on_signal) {
  int status = 0;
  while (waitpid(collector, &status, WNOHANG) != collector) {
    on_signal(signals.wait());
  }
  return status;
}

void end_unfinished(Database& database, const Trial& trial, int wait_status) {
  const Trial found = find_trial(database, trial.trial_id);
  if (found.state != TrialState::running) {
    return;
  }
  if (!found.is_attached) {
    end_tree(found);
  }
  end_trial(database, trial.trial_id, TrialState::lost,
            fmt::format("its collector {} before it had recorded the outcome", describe_wait_status(wait_status)));
}

std::string database_flag(const std::filesystem::path& database) {
  return database == database_path("") ? "" : fmt::format("--db {} ", shell_word(database.string()));
}

}  // namespace memtrack
