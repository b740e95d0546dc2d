#pragma once

// What a trial's end and peaks are, from what was seen of it. Pure.

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "collector/end_plan.h"
#include "collector/process_tree.h"
#include "storage/trial_recorder.h"

namespace memtrack {

struct EndFacts {
  EndCause cause = EndCause::command;
  std::string cancel_signal = {};  // "SIGTERM"
  std::optional<std::chrono::nanoseconds> timeout = {};
  bool had_to_kill = false;
  std::string told = {};  // the program's own reason, sent as its event "failure"
  int wait_status = 0;    // as wait4 gave it
  rusage usage = {};
  std::int64_t max_rss_floor_bytes = 0;  // see PeakFacts
  Reading oom_kills = {};                // by the kernel, in the trial's cgroup; none: it had none
  Reading memory_limit_bytes = {};
  std::int64_t ended_ns = 0;
  std::int64_t outlived = 0;    // processes that were left when the command's grace was over
  std::int64_t unkillable = 0;  // that not even SIGKILL ended
};

TrialOutcome decide_outcome(const EndFacts& facts);

// The marks of a process that ran before we looked may be of that time.
struct AttachedPeakFacts {
  Reading first_mark_bytes = {};  // when it was attached
  bool has_ended = false;         // what grew after the last reading was not seen
};

struct PeakFacts {
  TreeHighWater high_water = {};
  Reading largest_rss_sample_bytes = {};
  Reading largest_anon_sample_bytes = {};
  Reading cgroup_bytes = {};             // the kernel's mark of the trial's cgroup
  bool has_waited_for_children = false;  // the command had some, though we may never have seen them
  Reading max_rss_bytes = {};            // wait4; none while the command runs
  std::int64_t max_rss_floor_bytes = 0;  // ru_maxrss begins at the resident memory of who forked the command: us
  std::optional<AttachedPeakFacts> attached = {};  // of an attached process alone
};

// Fills the peaks of `totals` and their source.
void decide_peaks(const PeakFacts& facts, TrialTotals& totals);

// "SIGTERM", "signal 40".
std::string signal_name(int signal);

}  // namespace memtrack
