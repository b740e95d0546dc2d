#pragma once

#include <vector>

#include "tools/plot/trial_curve.h"

namespace memtrack {

inline constexpr std::size_t kMostCurves = 16;

// Memory over time: a curve a trial, phases shaded, epochs and peaks marked. `curves`: at least one, none without
// points.
Picture time_picture(const std::vector<TrialCurve>& curves, const Figure& figure, const std::string& title);

// "used_bytes (MiB)": what stands at an axis that shows a metric.
std::string metric_axis(const ReportMetric& metric);

}  // namespace memtrack
