#pragma once

// Before a sweep of the built-in trainer is queued: what of it will not fit. Of a huge or open-ended sweep the first
// 10,000 trials are looked at.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "sweeps/sweep.h"
#include "tools/predict/resident_memory.h"

namespace memtrack {

// A warning where trials may not fit their memory_limit. `file`: named in the remedy.
std::optional<std::string> limit_warning(const Sweep& sweep, const Calibration& calibration, const std::string& file);

// Where `jobs` trials at a time without a memory_limit may not fit this machine: how many do, at least 1. One number
// for all sweeps of a file, and no more than any of them asks for.
struct FewerJobs {
  std::int64_t jobs = 1;
  std::string why;  // a sentence
};
std::optional<FewerJobs> fewer_jobs(std::span<const Sweep> sweeps, const Calibration& calibration,
                                    std::int64_t machine_bytes);

}  // namespace memtrack
