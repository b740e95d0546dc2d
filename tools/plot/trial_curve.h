#pragma once

// What one trial used, moment by moment, as a picture shows it.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "tools/plot/picture.h"
#include "tools/report/rows.h"

namespace memtrack {

struct TrialCurve {
  ReportRow row;
  std::vector<Point> points = {};      // seconds from the start of the command, MiB; thinned
  std::vector<PhaseSpan> phases = {};  // seconds; as the program named them
  std::vector<AxisMark> epochs = {};   // where they ended
  double end_seconds = 0;
  std::optional<Point> peak = {};              // the largest of all samples
  std::optional<double> kernel_peak_mib = {};  // the kernel's own mark of the same metric: not less than that
};

// `row`: of a figure of this metric; of statistic peak where the kernel's mark is wanted. Baselines are left out. A
// trial that has not begun, or of which no sample could read the metric, has no points.
TrialCurve read_trial_curve(Database& database, const ReportRow& row, const ReportMetric& metric, std::size_t columns);

// Phases as they followed each other, seconds from the start of the command.
std::vector<PhaseSpan> read_phases(Database& database, std::int64_t trial_id, std::int64_t started_ns,
                                   double end_seconds);

}  // namespace memtrack
