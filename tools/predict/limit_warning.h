#pragma once

#include <optional>
#include <string>

#include "sweeps/sweep.h"
#include "tools/predict/resident_memory.h"

namespace memtrack {

// What to say before a sweep of the built-in trainer is queued whose trials may not fit their memory_limit; nullopt:
// nothing. `file`: named in the remedy. Of a huge sweep the first 10,000 trials are looked at.
std::optional<std::string> limit_warning(const Sweep& sweep, const Calibration& calibration, const std::string& file);

}  // namespace memtrack
