#pragma once

// Two sets of trials: by how much their memory differs, how surely, and what could have been seen. Functions of their
// arguments; the unit is the trial.

#include <optional>
#include <string>
#include <vector>

#include "tools/report/rows.h"
#include "tools/report/summary.h"
#include "tools/statistics.h"

namespace memtrack {

struct ComparedSide {
  std::string title;            // "sweep 3 'paper-mnist'"
  std::vector<ReportRow> rows;  // those that are not done, or without the figure, take no part
};

struct Comparison {
  GroupSummary a = {}, b = {};
  double difference_bytes = 0;                // b - a
  std::optional<Difference> difference = {};  // with its interval, bytes; nullopt: see why_no_interval
  std::optional<double> visible_bytes = {};   // the smallest true difference found in four of five cases
  int paired_configurations = 0;              // 0: the trials as two heaps; else hyperparameters stood against the same
  std::string why_no_interval = {};
};

// Throws UsageError where a side has no figure, and where exact peaks would stand against lower bounds.
Comparison compare_sides(const Figure& figure, const ComparedSide& a, const ComparedSide& b);

// The answer for people, a line each.
std::vector<std::string> comparison_text(const Figure& figure, const ComparedSide& a, const ComparedSide& b,
                                         const Comparison& comparison);
std::string comparison_json(const Figure& figure, const ComparedSide& a, const ComparedSide& b,
                            const Comparison& comparison);

}  // namespace memtrack
