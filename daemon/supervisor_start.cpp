// From a claimed trial to its collector.

#include <fmt/format.h>
#include <unistd.h>

#include "daemon/processes.h"
#include "daemon/running_trial.h"
#include "daemon/supervisor_state.h"
#include "storage/environment_file.h"
#include "storage/paths.h"

namespace memtrack {
namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace {

ChildProgram collector_for(const fs::path& database, const Trial& trial, const TrialLock& lock,
                           std::int64_t log_cap_bytes) {
  ChildProgram child{.program = sibling_program("memtrack-collector"),
                     .arguments = {"--db", database.string(), "--trial", std::to_string(trial.trial_id), "--lock-fd",
                                   std::to_string(lock.descriptor()), "--log-cap", std::to_string(log_cap_bytes)}};
  child.arguments.insert(child.arguments.end(), {"--environment", environment_path(database, trial.sweep_id).string(),
                                                 "--log", trial_log_path(database, trial.trial_id).string()});
  return child;
}

}  // namespace

// nullopt also where the file cannot be made, for example on a full disk: that may pass too.
std::optional<TrialLock> Supervisor::State::try_lock(const Trial& trial) {
  try {
    return TrialLock::try_acquire(trial_lock_path(trial.uid));
  } catch (const std::runtime_error& error) {
    if (lock_trouble != error.what()) {
      lock_trouble = error.what();
      complain(lock_trouble + "; trying again until it works");
    }
    return std::nullopt;
  }
}

// The lock of a trial that is still ours to start when we have it. nullopt: it is not.
asio::awaitable<std::optional<TrialLock>> Supervisor::State::lock_claimed(const Trial& trial) {
  std::optional<TrialLock> lock = try_lock(trial);
  while (!lock && !stopping) {
    co_await pause_for(kLookAgainSoon);
    lock = try_lock(trial);
  }
  const std::optional<Trial> now =
      co_await patiently([this, &trial] { return find_running(database, trial.trial_id); });
  if (!lock || stopping || !now || now->started_ns) {
    co_return std::nullopt;
  }
  // An owner from an earlier attempt at starting it would look like a dead collector.
  if (ftruncate(lock->descriptor(), 0) != 0) {
    complain("cannot empty the lock file of trial " + std::to_string(trial.trial_id));
  }
  co_return lock;
}

asio::awaitable<void> Supervisor::State::start(Trial trial, TrialLock lock) {
  std::string trouble;
  std::optional<std::string> not_to_begin;
  std::optional<StartedProcess> child;
  if (cancelled.contains(trial.trial_id)) {
    { const TrialLock released = std::move(lock); }  // whoever removes its file takes it first
    CollectorEnd collector;
    collector.how = "was not started";
    co_await settle(trial, collector);
    co_return;
  }
  try {
    not_to_begin = missing_environment(environment_path(database.path(), trial.sweep_id));
    if (!not_to_begin) {
      const ChildProgram program = collector_for(database.path(), trial, lock, options.log_cap_bytes);
      child = children.start_detached(program, lock.descriptor());
      tell(TrialStep::started, trial);
      watch({.trial = trial, .collector = watchable(open_process(child->pid)), .child = child});
    }
  } catch (const std::runtime_error& error) {
    trouble = error.what();
  }
  if (child) {
    // Our copy of the lock is closed behind this: the collector's alone counts. Where no descriptor was left to watch
    // it by, it runs all the same, and is found as any that runs.
    if (!trouble.empty()) {
      ring();
    }
  } else if (not_to_begin) {
    { const TrialLock released = std::move(lock); }
    co_await end_unbegun(trial, TrialState::failed, *not_to_begin);
  } else {
    co_await put_back_later(trial, trouble);
  }
}

// Until then it stands as running, and takes the place of whatever would fail like it.
asio::awaitable<void> Supervisor::State::put_back_later(Trial trial, std::string trouble) {
  const std::chrono::milliseconds pause = pause_after_failed_starts(++failed_starts);
  complain(fmt::format("trial {} could not be started: {}; trying again in {:.1f} s", trial.trial_id, trouble,
                       std::chrono::duration<double>(pause).count()));
  co_await pause_for(pause);
  if (!stopping && co_await patiently([this, &trial] { return requeue_trial(database, trial.trial_id); })) {
    tell(TrialStep::put_back, trial, TrialState::queued, "it never started");
  }
}

}  // namespace memtrack
