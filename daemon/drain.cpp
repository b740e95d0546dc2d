#include "daemon/drain.h"

#include <utility>

#include "daemon/running_trial.h"
#include "storage/trial_store.h"

namespace memtrack {

std::vector<FileDescriptor> collectors_of_queue(Database& database) {
  std::vector<FileDescriptor> collectors;
  for (const Trial& trial : running_trials(database)) {
    RunningTrial found = look_at(database, trial);
    if (found.collector && !found.evidence.foreground) {
      collectors.push_back(std::move(found.collector));
    }
  }
  return collectors;
}

}  // namespace memtrack
