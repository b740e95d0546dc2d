#pragma once

#include <cstdint>
#include <functional>

#include "storage/database.h"

namespace memtrack {

struct PruneCount {
  std::int64_t trials = 0;
  std::int64_t samples = 0;
  std::int64_t process_rows = 0;
};

// What prune_samples() would delete.
PruneCount count_prunable(Database& database, std::int64_t ended_before_ns);

// Deletes what was sampled of trials that ended before that time: `samples`, `processes`, `process_readings`. All else
// stays: the trials, their running totals, peaks and phases, events and metrics, and so trial_memory and phase_memory.
// Safe while others write: short transactions. What `on_progress` throws ends it; what was deleted is.
PruneCount prune_samples(Database& database, std::int64_t ended_before_ns,
                         const std::function<void(std::int64_t done, std::int64_t all)>& on_progress = {});

}  // namespace memtrack
