#include "daemon/recovery.h"

#include <algorithm>

#include "daemon/database_guard.h"
#include "daemon/processes.h"
#include "daemon/running_trial.h"

namespace memtrack {
namespace {

// How long the caller of `memtrack run` may take from storing its trial to taking the trial's lock.
constexpr auto kForegroundStart = std::chrono::minutes(1);

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
    // Less than nothing where the clock was set back meanwhile.
    return std::chrono::abs(evidence.age) < kForegroundStart ? Verdict::wait : Verdict::lost;
  }
  return Verdict::put_back;
}

std::chrono::milliseconds pause_after_failed_starts(int failures) {
  constexpr std::chrono::milliseconds kFirst(200);
  constexpr std::chrono::milliseconds kLongest = std::chrono::minutes(1);
  constexpr int kMostDoublings = 16;
  return std::min(kFirst * (1 << std::clamp(failures - 1, 0, kMostDoublings)), kLongest);
}

RecoverySummary recover(Database& database) {
  RecoverySummary summary;
  if (supervising_process(database.path())) {
    return summary;
  }
  remove_leftovers(database);
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
        const std::size_t killed = trial.is_attached ? 0 : end_tree(trial);
        remove_files(trial, database.path());  // before the end, since nobody looks at what an ended trial left
        summary.lost += end_trial(database, trial.trial_id, TrialState::lost,
                                  lost_reason("ended without recording the outcome", found.evidence.started, killed))
                            ? 1
                            : 0;
        break;
      }
    }
  }
  return summary;
}

}  // namespace memtrack
