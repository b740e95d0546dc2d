#include "daemon/recovery.h"

#include <poll.h>

#include "daemon/database_guard.h"
#include "daemon/processes.h"
#include "daemon/running_trial.h"

namespace memtrack {
namespace {

using std::chrono::steady_clock;

// How long the caller of `memtrack run` may take from storing its trial to taking the trial's lock.
constexpr auto kForegroundStart = std::chrono::minutes(1);
constexpr auto kPatienceWithKilled = std::chrono::seconds(10);

// Kills until two looks in a row find nobody: between its fork and its exec a process shows no environment.
std::size_t kill_and_wait(const std::string& uid) {
  std::size_t killed = 0;
  const auto deadline = steady_clock::now() + kPatienceWithKilled;
  for (int empty_looks = 0; empty_looks < 2 && steady_clock::now() < deadline;) {
    const std::vector<FileDescriptor> processes = kill_what_is_left(uid, {});
    empty_looks = processes.empty() ? empty_looks + 1 : 0;
    killed += processes.size();
    for (const FileDescriptor& process : processes) {
      pollfd gone{.fd = process.get(), .events = POLLIN, .revents = 0};
      poll(&gone, 1, 1000);
    }
  }
  return killed;
}

}  // namespace

Verdict judge(const Evidence& evidence) {
  if (evidence.collector_lives) {
    return Verdict::adopt;
  }
  if (evidence.lock_held) {
    return Verdict::wait;
  }
  if (evidence.started) {
    return Verdict::lost;
  }
  if (evidence.foreground) {
    return evidence.age < kForegroundStart ? Verdict::wait : Verdict::lost;
  }
  return Verdict::put_back;
}

RecoverySummary recover(Database& database) {
  RecoverySummary summary;
  if (supervising_process(database.path())) {
    return summary;
  }
  for (const Trial& trial : running_trials(database)) {
    const RunningTrial found = look_at(database, trial);
    switch (judge(found.evidence)) {
      case Verdict::adopt:
      case Verdict::wait:
        ++summary.living;
        break;
      case Verdict::put_back:
        summary.put_back += put_back(database, trial).value_or(false) ? 1 : 0;
        break;
      case Verdict::lost: {
        const std::size_t killed = kill_and_wait(trial.uid);
        summary.lost += end_trial(database, trial.trial_id, TrialState::lost,
                                  lost_reason("ended without recording the outcome", found.evidence.started, killed))
                            ? 1
                            : 0;
        remove_runtime_files(trial.uid);
        break;
      }
    }
  }
  return summary;
}

}  // namespace memtrack
