#include "tools/report/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "sweeps/nearest_name.h"
#include "tools/exit_codes.h"
#include "tools/text.h"

namespace memtrack {
namespace {

constexpr std::array kMetrics = std::to_array<ReportMetric>({
    {.name = "used",
     .column = "used_bytes",
     .average = "avg_used_bytes",
     .count = "tick_count",
     .peak = "max_used_bytes",
     .baseline = "baseline_used_bytes",
     .title = "memory\nused\nMiB",
     .meaning = "used_bytes, the whole system's total - free - buffers - cached"},
    {.name = "used_psutil",
     .column = "used_psutil_bytes",
     .average = "avg_used_psutil_bytes",
     .count = "tick_count",
     .peak = "",
     .baseline = "baseline_used_psutil_bytes",
     .title = "used\n(psutil)\nMiB",
     .meaning = "used_psutil_bytes, the whole system's total - free - buffers - cached - reclaimable slab, as in "
                "psutil 4.4 to 7.0"},
    {.name = "used_available",
     .column = "used_available_bytes",
     .average = "avg_used_available_bytes",
     .count = "tick_count",
     .peak = "",
     .baseline = "baseline_used_available_bytes",
     .title = "used\n(available)\nMiB",
     .meaning = "used_available_bytes, the whole system's total - available"},
    {.name = "used_corrected",
     .column = "used_corrected_bytes",
     .average = "avg_used_corrected_bytes",
     .count = "used_corrected_count",
     .peak = "",
     .baseline = "baseline_used_corrected_bytes",
     .title = "used\n(corrected)\nMiB",
     .meaning = "used_corrected_bytes, psutil's form without free pages on per-CPU lists and with shared memory; read "
                "on ticks at least 1 s apart"},
    {.name = "tree_rss",
     .column = "tree_rss_bytes",
     .average = "avg_tree_rss_bytes",
     .count = "tick_count",
     .peak = "peak_rss_bytes",
     .baseline = "",
     .title = "tree rss\nMiB",
     .meaning = "tree_rss_bytes, resident memory of the trial's own process tree"},
    {.name = "tree_rss_anon",
     .column = "tree_rss_anon_bytes",
     .average = "avg_tree_rss_anon_bytes",
     .count = "tick_count",
     .peak = "peak_anon_bytes",
     .baseline = "",
     .title = "tree rss\nanon MiB",
     .meaning = "tree_rss_anon_bytes, anonymous resident memory of the trial's own process tree"},
    {.name = "tree_pss",
     .column = "tree_pss_bytes",
     .average = "avg_tree_pss_bytes",
     .count = "tree_pss_count",
     .peak = "",
     .baseline = "",
     .title = "tree pss\nMiB",
     .meaning = "tree_pss_bytes, proportional resident memory of the trial's own process tree"},
    {.name = "tree_uss",
     .column = "tree_uss_bytes",
     .average = "",
     .count = "",
     .peak = "",
     .baseline = "",
     .title = "tree uss\nMiB",
     .meaning = "tree_uss_bytes, pages that one process of the trial alone maps"},
    {.name = "tree_swap",
     .column = "tree_swap_bytes",
     .average = "",
     .count = "",
     .peak = "",
     .baseline = "",
     .title = "tree swap\nMiB",
     .meaning = "tree_swap_bytes, what of the trial's own process tree was swapped out"},
    {.name = "cgroup",
     .column = "cgroup_bytes",
     .average = "",
     .count = "",
     .peak = "peak_cgroup_bytes",
     .baseline = "",
     .title = "cgroup\nMiB",
     .meaning = "cgroup_bytes, what the trial's own cgroup was charged, page cache and kernel memory included"},
});

constexpr std::array<std::pair<Statistic, std::string_view>, 4> kStatistics = {
    {{Statistic::mean, "mean"}, {Statistic::median, "median"}, {Statistic::p95, "p95"}, {Statistic::peak, "peak"}}};

// A figure of the samples themselves: of the ticks, and the peak of what is the trial's own of all but the baselines.
std::string sampled(const Figure& figure, std::string_view aggregate) {
  const bool is_own_peak = figure.statistic == Statistic::peak && figure.metric.baseline.empty();
  return fmt::format("(SELECT {} FROM samples s WHERE s.trial_id = t.trial_id AND s.kind {}{})", aggregate,
                     is_own_peak ? "<> 'baseline'" : "= 'tick'", figure.phase ? " AND s.phase = ?4" : "");
}

std::string value_sql(const Figure& figure) {
  const ReportMetric& metric = figure.metric;
  const char* totals = figure.phase ? "f" : "m";
  switch (figure.statistic) {
    case Statistic::median:
      return sampled(figure, fmt::format("median(s.{})", metric.column));
    case Statistic::p95:
      return sampled(figure, fmt::format("percentile(s.{}, 95)", metric.column));
    case Statistic::peak:
      return metric.peak.empty() ? sampled(figure, fmt::format("max(s.{})", metric.column))
                                 : fmt::format("{}.{}", totals, metric.peak);
    case Statistic::mean:
      break;
  }
  return metric.average.empty() ? sampled(figure, fmt::format("avg(s.{})", metric.column))
                                : fmt::format("{}.{}", totals, metric.average);
}

// The kernel keeps marks of whole trials alone.
std::string source_sql(const Figure& figure) {
  if (figure.statistic != Statistic::peak) return "NULL";
  if (!figure.phase && figure.metric.peak == "peak_rss_bytes") return "m.peak_source";
  if (!figure.phase && figure.metric.peak == "peak_cgroup_bytes") {
    return "iif((SELECT p.peak_cgroup_bytes FROM trial_totals p WHERE p.trial_id = t.trial_id) IS NULL, 'samples', "
           "'kernel')";
  }
  return "'samples'";
}

std::string_view statistic_sentence(Statistic statistic) {
  switch (statistic) {
    case Statistic::mean:
      return "mean over the ticks";
    case Statistic::median:
      return "median of the ticks";
    case Statistic::p95:
      return "95th percentile of the ticks";
    case Statistic::peak:
      break;
  }
  return "the most";
}

}  // namespace

std::span<const ReportMetric> report_metrics() {
  return kMetrics;
}

const ReportMetric& find_report_metric(std::string_view name) {
  const auto found = std::find_if(kMetrics.begin(), kMetrics.end(),
                                  [&](const auto& metric) { return metric.name == name || metric.column == name; });
  if (found != kMetrics.end()) return *found;
  std::vector<std::string_view> names;
  for (const ReportMetric& metric : kMetrics) names.push_back(metric.name);
  throw UsageError(fmt::format("--metric is {}{}; the metrics are {}", memtrack::quoted(name),
                               did_you_mean(name, names), join_names(names)));
}

Statistic parse_statistic(std::string_view name) {
  for (const auto& [statistic, known] : kStatistics) {
    if (known == name) return statistic;
  }
  throw UsageError(
      fmt::format("--statistic is {}, and would have to be mean, median, p95 or peak", memtrack::quoted(name)));
}

std::string_view to_string(Statistic statistic) {
  return std::find_if(kStatistics.begin(), kStatistics.end(),
                      [&](const auto& known) { return known.first == statistic; })
      ->second;
}

void check_figure(const Figure& figure) {
  if (!figure.minus_baseline) return;
  if (figure.metric.baseline.empty()) {
    throw UsageError(
        fmt::format("--minus-baseline takes off what the idle system used, and {} is the trial's own; it goes with "
                    "--metric used, used_psutil, used_available and used_corrected",
                    figure.metric.name));
  }
  if (figure.statistic == Statistic::peak || figure.statistic == Statistic::p95) {
    throw UsageError("--minus-baseline takes the mean of the idle system off: it goes with --statistic mean or median");
  }
}

std::string figure_title(const Figure& figure) {
  if (figure.statistic == Statistic::mean) return std::string(figure.metric.title);
  return fmt::format("{}\n{}", to_string(figure.statistic), figure.metric.title);
}

std::string figure_sentence(const Figure& figure) {
  return fmt::format("Memory: {}; {} of {}; in MiB (1,048,576 bytes).", figure.metric.meaning,
                     statistic_sentence(figure.statistic),
                     figure.phase                          ? fmt::format("phase {}", escape_controls(*figure.phase))
                     : figure.statistic == Statistic::mean ? "the whole trial, which is the paper's form"
                                                           : "the whole trial");
}

FigureSql figure_sql(const Figure& figure) {
  const ReportMetric& metric = figure.metric;
  return {.value = value_sql(figure),
          .count = metric.count.empty() ? sampled(figure, fmt::format("count(s.{})", metric.column))
                                        : fmt::format("{}.{}", figure.phase ? "f" : "m", metric.count),
          .source = source_sql(figure),
          .baseline = metric.baseline.empty() ? "NULL" : fmt::format("m.{}", metric.baseline)};
}

}  // namespace memtrack
