#pragma once

// Trials that belong together as one line of a report: the unit is the trial, never the tick.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/report/rows.h"
#include "tools/statistics.h"

namespace memtrack {

// One figure of several trials.
struct Spread {
  std::int64_t count = 0;                 // trials that have it
  std::optional<double> mean = {};        // nullopt: none has it
  std::optional<Interval> interval = {};  // of the mean, 95%; nullopt: of fewer than two trials
  std::optional<double> deviation = {};
  double low = 0, high = 0;
};
Spread spread_of(const std::vector<double>& values);

// Trials that are done; figures of others are not of a whole training.
struct GroupSummary {
  std::int64_t trials = 0, done = 0;
  Spread memory = {};                 // bytes
  bool mixed_sources = false;         // exact peaks and lower bounds: neither mean nor spread
  bool is_lower_bound = false;        // a peak that is the largest sample
  Spread memory_minus_baseline = {};  // bytes
  Spread peak = {};                   // resident memory, of exact peaks or of lower bounds alone
  bool peak_is_lower_bound = false;
  Spread accuracy = {};
  std::optional<double> reported_memory_mib = {};  // where it is the same in all of them
};
GroupSummary summarize(const std::vector<ReportRow>& rows);

}  // namespace memtrack
