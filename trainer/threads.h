#pragma once

// How many threads a training runs with where nobody says.

#include <cstdint>

#include "datasets/dataset.h"
#include "sweeps/trainer_parameters.h"

namespace memtrack {

// One thread a 50 million multiplications of a step's forward pass, at least one and no more than `cores`.
//
// Measured on 2 cores, step on two threads / step on one, nothing else running; with a busy neighbour:
//   the paper's networks           2 to 31 million    1 to 5      1.6 to 6
//   1024-1024, batches of 64          119 million    0.8         1.4
//   512-256 on CIFAR-10, 128          218 million    0.8         1.3
//   2048-2048, batches of 256        1480 million    0.6         1.1
// Handing the parts of an operation out and gathering them costs tens of microseconds, more than a small step saves; and
// where another program holds a core, all threads wait for the one that it delays.
std::int64_t default_threads(const TrainerOptions& options, const ImageShape& shape, std::int64_t cores);

// Cores that this process may use.
std::int64_t usable_cores();

}  // namespace memtrack
