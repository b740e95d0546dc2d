#include "collector/collector.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "collector/cgroup.h"
#include "collector/command_start.h"
#include "collector/signals.h"
#include "collector/start_patience.h"
#include "collector/trial_run.h"
#include "storage/database.h"
#include "storage/paths.h"
#include "storage/trial_lock.h"
#include "storage/trial_recorder.h"
#include "storage/trial_store.h"

namespace memtrack {
namespace {

// A standard stream that our starter closed must not become a file of ours.
void take_standard_descriptors() {
  for (int descriptor = open("/dev/null", O_RDWR); descriptor >= 0; descriptor = open("/dev/null", O_RDWR)) {
    if (descriptor > STDERR_FILENO) {
      close(descriptor);
      return;
    }
  }
}

// Large trees need many descriptors. Returns what the command gets back.
rlimit raise_open_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &raised);
  return limit;
}

// The trial's lock, handed down by our starter.
class HeldLock {
 public:
  explicit HeldLock(int descriptor) : lock_(TrialLock::adopt(descriptor)) { lock_.write_owner(); }
  ~HeldLock() { lock_.remove_file(path_); }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;

  void remove_at_end(std::filesystem::path path) { path_ = std::move(path); }

 private:
  TrialLock lock_;
  std::filesystem::path path_;
};

int run_trial(const CollectorOptions& options) {
  CollectorSignals signals(options.in_foreground);
  HeldLock lock(options.lock_descriptor);
  const OwnSettings to_restore{.signal_mask = options.in_foreground ? signals.original_mask() : sigset_t{},
                               .open_files = raise_open_files()};
  prctl(PR_SET_CHILD_SUBREAPER, 1);

  Database database = with_patience([&] { return Database::open_for_writing(options.database, kBusyTimeout); });
  const Trial trial = with_patience([&] { return find_trial(database, options.trial_id); });
  lock.remove_at_end(trial_lock_path(trial.uid));
  TrialRecorder recorder(std::move(database), trial.trial_id);

  TrialRun run(options, trial, signals, recorder);
  try {
    if (const std::optional<int> stopped = run.settle()) {
      return *stopped;
    }
    return options.attached ? run.watch(*options.attached) : run.run(to_restore);
  } catch (const std::exception& error) {
    run.record_failure(error);
    throw;
  }
}

int check_cgroup() {
  const auto none = check_cgroups();
  if (none) {
    std::puts(none->reason.c_str());
  }
  return none ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace

int run_collector(const CollectorOptions& options) {
  take_standard_descriptors();
  if (options.only_checks_cgroup) {
    return check_cgroup();
  }
  mallopt(M_ARENA_MAX, 1);  // a second thread's heap would cost more than it saves
  return run_trial(options);
}

}  // namespace memtrack
