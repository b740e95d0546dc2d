#include "tools/plot/trial_curve.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/query.h"
#include "tools/plot/thinning.h"
#include "tools/text.h"
#include "tools/values.h"

namespace memtrack {
namespace {

double seconds_between(std::int64_t from_ns, std::int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) / 1e9;
}

// Of a trial that still runs: its newest sample.
std::optional<std::int64_t> end_of(Database& database, const ReportRow& row) {
  if (row.ended_ns) return row.ended_ns;
  return whole_of(query(database, "SELECT max(time_ns) FROM samples WHERE trial_id = ?1", {row.trial_id}).rows[0][0]);
}

void read_samples(Database& database, const ReportMetric& metric, std::size_t columns, TrialCurve& curve) {
  CurveThinner thinner(0, curve.end_seconds, columns);
  query_rows(
      database,
      fmt::format(
          "SELECT time_ns - ?2, {0} FROM samples WHERE trial_id = ?1 AND kind <> 'baseline' AND {0} IS NOT NULL "
          "ORDER BY time_ns",
          metric.column),
      {curve.row.trial_id, *curve.row.started_ns}, [](const auto&) {},
      [&](const std::vector<Value>& values) {
        const Point point{.x = real_of(values[0]).value() / 1e9, .y = real_of(values[1]).value() / kMib};
        thinner.add(point.x, point.y);
        if (!curve.peak || point.y > curve.peak->y) curve.peak = point;
      });
  curve.points = thinner.finish();
}

std::optional<double> kernel_peak_mib(const ReportRow& row, const ReportMetric& metric) {
  if (metric.peak == "peak_rss_bytes" && row.peak_source == "kernel") {
    return static_cast<double>(row.peak_rss_bytes.value()) / kMib;
  }
  const bool has_own = !metric.peak.empty() && row.memory_source == "kernel" && row.memory_bytes;
  return has_own ? std::optional(*row.memory_bytes / kMib) : std::nullopt;
}

void read_epochs(Database& database, TrialCurve& curve) {
  const ResultTable found = query(database,
                                  "SELECT epoch, max(time_ns) - ?2 FROM metrics WHERE trial_id = ?1 AND epoch IS NOT "
                                  "NULL GROUP BY epoch ORDER BY epoch",
                                  {curve.row.trial_id, *curve.row.started_ns});
  for (const auto& row : found.rows) {
    curve.epochs.push_back({real_of(row[1]).value() / 1e9, std::to_string(whole_of(row[0]).value())});
  }
}

}  // namespace

std::vector<PhaseSpan> read_phases(Database& database, std::int64_t trial_id, std::int64_t started_ns,
                                   double end_seconds) {
  std::vector<PhaseSpan> spans;
  const ResultTable found = query(database,
                                  "SELECT time_ns, body ->> '$.name' FROM events WHERE trial_id = ?1 AND event = "
                                  "'phase' ORDER BY time_ns, event_id",
                                  {trial_id});
  for (const auto& row : found.rows) {
    const double begin = seconds_between(started_ns, whole_of(row[0]).value());
    if (!spans.empty()) spans.back().to = begin;
    spans.push_back({begin, std::max(begin, end_seconds), text_of(row[1]).value_or("")});
  }
  return spans;
}

TrialCurve read_trial_curve(Database& database, const ReportRow& row, const ReportMetric& metric, std::size_t columns) {
  TrialCurve curve{.row = row};
  const std::optional<std::int64_t> end_ns = end_of(database, row);
  if (!row.started_ns || !end_ns) return curve;
  curve.end_seconds = seconds_between(*row.started_ns, *end_ns);
  read_samples(database, metric, columns, curve);
  if (curve.points.empty()) return curve;
  read_epochs(database, curve);
  curve.phases = thin_spans(read_phases(database, row.trial_id, *row.started_ns, curve.end_seconds), 0,
                            curve.end_seconds, columns);
  curve.kernel_peak_mib = kernel_peak_mib(row, metric);
  return curve;
}

}  // namespace memtrack
