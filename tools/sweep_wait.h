#pragma once

// `memtrack sweep --wait`: shows submitted sweeps to their end, as the database tells it.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "tools/sweep_progress.h"
#include "tools/terminal.h"

namespace memtrack {

// On standard error: a line that is redrawn on a terminal, else a line for each trial that ended.
class ProgressDisplay {
 public:
  void show(const Progress& progress, std::int64_t now_ns);
  // A line that stays, above the one that is redrawn.
  void tell(std::string_view line);

 private:
  StatusLine line_;
};

struct WaitHooks {
  std::function<bool(int signal)> on_signal;  // SIGINT or SIGTERM came; false: wait no longer
  std::function<bool()> on_look;              // between two looks; false: wait no longer
};

// True where every trial has ended, false where a hook wanted no more.
bool wait_for_sweeps(const std::filesystem::path& database, const std::vector<std::int64_t>& sweep_ids,
                     ProgressDisplay& display, const WaitHooks& hooks);

// Waits for sweeps that a daemon runs. Ctrl-C leaves them running. Returns kRight, kInterrupted, or kNoDaemon where
// nobody has run the queue for a while.
int wait_with_daemon(const std::filesystem::path& database, const std::vector<std::int64_t>& sweep_ids);

// Runs the queue for these sweeps in a process beside this one, and shows it. Ctrl-C cancels, twice leaves at once.
// Returns kRight, 128 + signal, or kFailed where the queue could not be run.
int wait_and_run(const std::filesystem::path& database, const std::vector<std::int64_t>& sweep_ids);

}  // namespace memtrack
