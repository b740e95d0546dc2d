// The pictures of a report's page.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/exit_codes.h"
#include "tools/plot/hyperparameter_picture.h"
#include "tools/plot/picture_json.h"
#include "tools/plot/tensor_picture.h"
#include "tools/plot/time_picture.h"
#include "tools/report/html_report.h"

namespace memtrack {
namespace {

using nlohmann::ordered_json;

// A page is mailed: a hundred points a trial and sixty trials are some hundred kilobytes.
constexpr std::size_t kMostTrials = 60, kColumns = 120;

ordered_json chart(const std::string& title, const std::string& kind, const std::vector<std::string>& notes) {
  return {{"title", title}, {"kind", kind}, {"notes", notes}, {"panels", ordered_json::array()}};
}

// A picture that cannot be made of these trials is left out of the page: its table says why.
template <typename Make>
void add_picture(ordered_json& charts, const std::string& title, const std::string& kind, Make&& make) {
  try {
    const Picture picture = make();
    ordered_json one = chart(title, kind, picture.notes);
    for (const Panel& panel : picture.panels) one["panels"].push_back(panel_json(panel));
    charts.push_back(std::move(one));
  } catch (const UsageError&) {
  }
}

ordered_json time_chart(Database& database, const Report& report) {
  ordered_json all;
  std::size_t left_out = 0;
  for (const ReportRow& row : report.rows) {
    if (all.is_object() && all["panels"].size() == kMostTrials) {
      ++left_out;
      continue;
    }
    const TrialCurve curve = read_trial_curve(database, row, report.figure.metric, kColumns);
    if (curve.points.empty()) continue;
    Picture picture = time_picture({curve}, report.figure, "");
    if (all.is_null()) all = chart("Memory over time", "time", picture.notes);
    picture.panels[0].title = fmt::format("number {}{} (trial {})", row.number,
                                          row.repeat > 1 ? fmt::format(", repeat {}", row.repeat) : "", row.trial_id);
    all["panels"].push_back(panel_json(picture.panels[0]));
  }
  if (left_out > 0)
    all["notes"].push_back(fmt::format("The first {} trials; {} more are not drawn.", kMostTrials, left_out));
  return all;
}

std::vector<ReportRow> done_rows(const Report& report) {
  std::vector<ReportRow> done;
  for (const ReportRow& row : report.rows) {
    if (row.state == TrialState::done) done.push_back(row);
  }
  return done;
}

}  // namespace

ordered_json report_charts(Database& database, const Report& report) {
  ordered_json charts = ordered_json::array();
  add_picture(charts, "Memory against hyperparameters", "panels", [&] {
    return hyperparameter_picture({report.rows}, report.figure, {.most_panels = 9, .each = !report.fold}, "");
  });
  if (ordered_json time = time_chart(database, report); !time.is_null()) charts.push_back(std::move(time));
  add_picture(charts, "Where the tensors go", "panels",
              [&] { return tensors_of_trials(database, done_rows(report), "", "", "these trials"); });
  return charts;
}

}  // namespace memtrack
