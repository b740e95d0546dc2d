#include "tools/report/summary.h"

#include <algorithm>

namespace memtrack {
namespace {

// Kernel's marks and largest samples are never mixed: nullopt where there are both.
std::optional<bool> all_lower_bounds(const std::vector<bool>& bounds) {
  if (std::adjacent_find(bounds.begin(), bounds.end(), std::not_equal_to<>()) != bounds.end()) return std::nullopt;
  return !bounds.empty() && bounds.front();
}

}  // namespace

Spread spread_of(const std::vector<double>& values) {
  Spread spread{.count = static_cast<std::int64_t>(values.size())};
  if (values.empty()) return spread;
  spread.mean = mean_of(values);
  spread.interval = mean_interval(values);
  spread.deviation = standard_deviation_of(values);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  spread.low = *low;
  spread.high = *high;
  return spread;
}

GroupSummary summarize(const std::vector<ReportRow>& rows) {
  GroupSummary summary{.trials = static_cast<std::int64_t>(rows.size())};
  std::vector<double> memory, minus_baseline, peaks, accuracies;
  std::vector<bool> memory_bounds, peak_bounds;
  for (const ReportRow& row : rows) {
    if (row.state != TrialState::done) continue;
    ++summary.done;
    if (row.memory_bytes) {
      memory.push_back(*row.memory_bytes);
      memory_bounds.push_back(row.memory_source.value_or("kernel") != "kernel");
      if (row.baseline_bytes) minus_baseline.push_back(*row.memory_bytes - *row.baseline_bytes);
    }
    if (row.peak_rss_bytes) {
      peaks.push_back(static_cast<double>(*row.peak_rss_bytes));
      peak_bounds.push_back(row.peak_source != "kernel");
    }
    if (row.test_accuracy) accuracies.push_back(*row.test_accuracy);
  }
  const std::optional<bool> memory_bound = all_lower_bounds(memory_bounds), peak_bound = all_lower_bounds(peak_bounds);
  summary.mixed_sources = !memory_bound;
  summary.is_lower_bound = memory_bound.value_or(false);
  if (memory_bound) summary.memory = spread_of(memory);
  summary.memory_minus_baseline = spread_of(minus_baseline);
  if (peak_bound) summary.peak = spread_of(peaks);
  summary.peak_is_lower_bound = peak_bound.value_or(false);
  summary.accuracy = spread_of(accuracies);
  const auto same = [&](const ReportRow& row) { return row.reported_memory_mib == rows[0].reported_memory_mib; };
  if (std::all_of(rows.begin(), rows.end(), same)) summary.reported_memory_mib = rows[0].reported_memory_mib;
  return summary;
}

}  // namespace memtrack
