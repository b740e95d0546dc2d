#pragma once

// What is said of a whole tree, from the figures of its processes. Pure.

#include <map>

#include "collector/measured_process.h"
#include "storage/sample.h"

namespace memtrack {

// What processes that are no more have used.
struct EndedUsage {
  std::int64_t cpu_ns = 0;
  std::int64_t major_faults = 0;
};

// The tree's columns of `sample`, but for pss and uss. A sum is known only where each part is.
void sum_tree(const std::map<pid_t, MeasuredProcess>& processes, const EndedUsage& ended, Sample& sample);

// Of the whole tree or of none: the columns stay empty where a process with memory has no figures.
void sum_pss(const std::map<pid_t, MeasuredProcess>& processes, Sample& sample);

std::int64_t ticks_to_ns(std::int64_t ticks);

}  // namespace memtrack
