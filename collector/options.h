#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "collector/measured_process.h"

namespace memtrack {

// memtrack-collector --db F --trial ID --lock-fd N [--environment FILE] [--log FILE] [--log-cap BYTES] [--foreground]
// memtrack-collector --db F --trial ID --lock-fd N --attach PID:START_TICKS --foreground
// memtrack-collector --check-cgroup
struct CollectorOptions {
  std::filesystem::path database;
  std::int64_t trial_id = 0;
  int lock_descriptor = -1;           // holds the trial's lock, taken by our starter
  std::filesystem::path environment;  // NUL-separated NAME=value for the command; empty: our own
  std::filesystem::path log;          // the command's output; empty: discarded
  std::int64_t log_cap_bytes = std::int64_t{64} << 20;
  bool only_checks_cgroup = false;         // runs no trial: says whether one would get a cgroup of its own
  std::optional<ProcessId> attached = {};  // measures this process, which runs already, instead of a command
  bool in_foreground = false;              // the command has our standard streams and process group; no log
};

// Throws std::runtime_error with what is wrong and how it should be.
CollectorOptions parse_collector_options(int argc, const char* const* argv);

}  // namespace memtrack
