#pragma once

#include "sweeps/trainer_parameters.h"

namespace memtrack {

inline constexpr int kMemoryRanOut = 12;  // ENOMEM's number

// Loads the dataset, trains, reports. Returns the program's exit code: 0, kMemoryRanOut, or 128 + the signal that ended
// it early.
// Throws DatasetError for data that is missing or damaged.
int run_trainer(const TrainerOptions& options);

}  // namespace memtrack
