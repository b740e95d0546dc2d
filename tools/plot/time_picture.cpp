#include "tools/plot/time_picture.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/plot/thinning.h"
#include "tools/text.h"

namespace memtrack {
namespace {

constexpr std::size_t kMostMarks = 24;

std::string title_of(const TrialCurve& curve, bool is_alone) {
  const ReportRow& row = curve.row;
  const std::string name =
      is_alone ? fmt::format("trial {}", row.trial_id)
               : fmt::format("{} (trial {}{})", row.number, row.trial_id, repeat_text(row.repeat, false));
  const double peak = curve.kernel_peak_mib.value_or(curve.peak->y);
  return fmt::format("{}: peak {}{:.2f} MiB", name, curve.kernel_peak_mib ? "" : ">=", peak);
}

std::vector<Series> series_of(const std::vector<TrialCurve>& curves) {
  std::vector<Series> series;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    series.push_back({title_of(curves[i], curves.size() == 1), Drawn::line, i, curves[i].points});
  }
  for (std::size_t i = 0; i < curves.size(); ++i) {
    series.push_back({i == 0 ? "largest sample" : "", Drawn::peak, i, {*curves[i].peak}});
  }
  bool is_named = false;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    if (!curves[i].kernel_peak_mib) continue;
    const double y = *curves[i].kernel_peak_mib;
    series.push_back({is_named ? "" : "kernel's high-water mark",
                      Drawn::dashed,
                      i,
                      {{.x = 0, .y = y}, {.x = curves[i].end_seconds, .y = y}}});
    is_named = true;
  }
  return series;
}

// Of several trials, epochs end at different times: each stands on its own curve.
Series epochs_on(const TrialCurve& curve, std::size_t colour) {
  Series series{.title = "", .drawn = Drawn::hollow_points, .colour = colour};
  for (const AxisMark& mark : thin_marks(curve.epochs, kMostMarks)) {
    const auto at = std::lower_bound(curve.points.begin(), curve.points.end(), mark.x,
                                     [](const Point& point, double x) { return point.x < x; });
    if (at != curve.points.end()) series.points.push_back({.x = at->x, .y = at->y});
  }
  return series;
}

}  // namespace

std::string metric_axis(const ReportMetric& metric) {
  return fmt::format("{} (MiB)", metric.column.substr(0, metric.column.size() - std::string_view("_bytes").size()));
}

Picture time_picture(const std::vector<TrialCurve>& curves, const Figure& figure, const std::string& title) {
  Panel panel{.x = {.title = "time since the start (s)", .is_tight = true},
              .y = {.title = metric_axis(figure.metric)},
              .series = series_of(curves)};
  for (const TrialCurve& curve : curves) panel.phases.push_back(curve.phases);
  panel.has_strips = curves.size() > 1;
  if (std::all_of(panel.phases.begin(), panel.phases.end(), [](const auto& spans) { return spans.empty(); })) {
    panel.phases.clear();
  }
  std::vector<std::string> notes = {fmt::format("{}; in MiB (1,048,576 bytes).", figure.metric.meaning)};
  if (curves.size() == 1) {
    panel.marks = thin_marks(curves[0].epochs, kMostMarks);
    panel.marks_title = "epoch";
  } else {
    bool any_epochs = false;
    for (std::size_t i = 0; i < curves.size(); ++i) {
      Series epochs = epochs_on(curves[i], i);
      any_epochs = any_epochs || !epochs.points.empty();
      if (!epochs.points.empty()) panel.series.push_back(std::move(epochs));
    }
    if (any_epochs) notes.push_back("Hollow points: epochs end there, thinned where there are many.");
    if (!panel.phases.empty()) notes.push_back("Strips above: the phases of each trial, in the legend's order.");
  }
  if (std::any_of(curves.begin(), curves.end(), [](const TrialCurve& curve) { return !curve.kernel_peak_mib; })) {
    notes.push_back(">=: the largest sample, a lower bound of the peak.");
  }
  return {.title = title, .panels = {std::move(panel)}, .notes = std::move(notes)};
}

}  // namespace memtrack
