#pragma once

// What is said of a whole tree, from the figures of its processes. Pure.

#include <map>

#include "collector/measured_process.h"
#include "storage/sample.h"

namespace memtrack {

struct Usage {
  std::int64_t cpu_ns = 0;
  std::int64_t major_faults = 0;

  Usage& operator+=(const Usage& more) {
    cpu_ns += more.cpu_ns;
    major_faults += more.major_faults;
    return *this;
  }
};

// Of a process and of the children that it has waited for, and so of what those had waited for.
Usage usage_of(const ProcStat& stat);

// The tree's columns of `sample`, but for pss and uss. `ended`: what processes that are no more have used. A sum is
// known only where each part is.
void sum_tree(const std::map<pid_t, MeasuredProcess>& processes, const Usage& ended, Sample& sample);

// Of the whole tree or of none: the columns stay empty where a process with memory has no figures.
void sum_pss(const std::map<pid_t, MeasuredProcess>& processes, Sample& sample);

std::int64_t ticks_to_ns(std::int64_t ticks);

}  // namespace memtrack
