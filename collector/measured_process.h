#pragma once

// One process of a trial's tree, as it was last read.

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/proc_reader.h"
#include "collector/proc_text.h"

namespace memtrack {

// A pid is used again; pid and start time together name one process.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  auto operator<=>(const ProcessId&) const = default;
};

struct MeasuredProcess {
  ProcessId id;
  HeldFile stat;
  HeldFile status;
  std::vector<HeldFile> children;  // one a thread
  ProcStat last;
  bool has_own_memory = false;       // known not to run in its parent's, and that stays so
  std::optional<ProcStatus> memory;  // none: nothing resident, or that of its parent, which counts it
  std::optional<ProcSmaps> smaps;    // none: not read this time
  bool ended_before_smaps = false;   // and so holds nothing of what the others share
  std::int64_t high_water_bytes = 0;
  std::uint64_t reading = 0;  // the number of the last reading that found it

  // Of its rows in the database.
  std::int64_t row_number = 0;  // 0: none yet
  pid_t row_parent_pid = 0;
  std::string row_name = {};
  std::int64_t row_time_ns = 0;   // of the last one
  std::int64_t read_time_ns = 0;  // of the last reading with memory
};

}  // namespace memtrack
