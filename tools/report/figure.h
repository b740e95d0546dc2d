#pragma once

// Which figure a report shows of each trial: what was measured, how its readings become one number, and over which part
// of the trial.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace memtrack {

// A measured column of `samples`. The names of columns are empty where a relation has none, and the samples are asked.
struct ReportMetric {
  std::string_view name;      // "used": what --metric says
  std::string_view column;    // of samples
  std::string_view average;   // of trial_memory and phase_memory
  std::string_view count;     // of both: the readings behind it
  std::string_view peak;      // of both
  std::string_view baseline;  // of trial_memory: what the idle system showed
  std::string_view title;     // of a table's column, '\n' for a line break
  std::string_view meaning;   // "used_bytes, the whole system's total - free - buffers - cached"
};
std::span<const ReportMetric> report_metrics();

// Also by the column's own name. Throws UsageError naming the nearest and all of them.
const ReportMetric& find_report_metric(std::string_view name);

enum class Statistic { mean, median, p95, peak };

// Throws UsageError naming all of them.
Statistic parse_statistic(std::string_view name);
std::string_view to_string(Statistic statistic);

struct Figure {
  ReportMetric metric;
  Statistic statistic = Statistic::mean;
  std::optional<std::string> phase = {};  // nullopt: the whole trial, as in the paper
  bool minus_baseline = false;            // show it without the trial's baseline as well
};

// Throws UsageError for --minus-baseline where the metric has no baseline.
void check_figure(const Figure& figure);

// "memory\nused\nMiB", "median\nof used\nMiB": with the statistic where it is not the mean.
std::string figure_title(const Figure& figure);

// "used_bytes, ...; mean over the ticks of the whole trial, the paper's form; in MiB (1,048,576 bytes)."
std::string figure_sentence(const Figure& figure);

// What SQL is asked for, of a trial `t` whose totals are `m` (trial_memory) and, in a phase, `f` (phase_memory).
struct FigureSql {
  std::string value;     // bytes
  std::string count;     // readings behind it
  std::string source;    // kernel: exact; samples: a lower bound; NULL but for peaks
  std::string baseline;  // bytes
};
FigureSql figure_sql(const Figure& figure);

}  // namespace memtrack
