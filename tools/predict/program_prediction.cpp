#include "tools/predict/program_prediction.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "tools/parameter_leaves.h"
#include "tools/text.h"

namespace memtrack {
namespace {

using nlohmann::ordered_json;

// Those that differ among the trials; of one trial all.
std::vector<std::string> shown_parameters(const std::vector<PredictedRun>& runs) {
  std::map<std::string, std::set<std::string>> values;
  for (const PredictedRun& run : runs) {
    for (const auto& [name, value] : run.parameters) values[name].insert(value);
  }
  std::vector<std::string> names;
  for (const auto& [name, different] : values) {
    if (different.size() > 1 || runs.size() == 1) names.push_back(name);
  }
  return names;
}

std::string value_text(const PredictedRun& run, const std::string& name) {
  const ordered_json one = {{name, ordered_json::parse(run.parameters.at(name))}};
  return parameter_leaves(one.dump()).at(0).text;
}

std::optional<std::string> first_beyond(const std::vector<PredictedRun>& runs) {
  for (const PredictedRun& run : runs) {
    if (run.peak && !run.peak->beyond.empty()) return run.peak->beyond;
  }
  return std::nullopt;
}

}  // namespace

PredictedRun predict_run(std::int64_t number, const ParameterValues& parameters, const Regression& regression) {
  PredictedRun run{.number = number, .parameters = parameters};
  try {
    run.peak = regression.predict(parameters);
  } catch (const UnknownValue& unknown) {
    run.unknown = unknown.what();
  }
  return run;
}

bool fits(const PredictedRun& run, std::int64_t limit_bytes) {
  return run.peak && run.peak->interval.high * kMib <= static_cast<double>(limit_bytes);
}

TextTable run_prediction_table(const std::vector<PredictedRun>& runs) {
  const std::vector<std::string> names = shown_parameters(runs);
  const bool any_measured = std::any_of(runs.begin(), runs.end(), [](const auto& run) { return run.measured_mib; });
  TextTable table;
  table.columns.push_back({.title = "#", .is_number = true, .is_key = true});
  for (const std::string& name : names) table.columns.push_back({.title = escape_controls(name), .fold_to = 16});
  table.columns.push_back({.title = "peak\nMiB", .is_number = true});
  table.columns.push_back({.title = "95%\nMiB", .is_number = true});
  if (any_measured) table.columns.push_back({.title = "measured\nMiB", .is_number = true});
  for (const PredictedRun& run : runs) {
    std::vector<std::string>& row = table.rows.emplace_back();
    row.push_back(std::to_string(run.number));
    for (const std::string& name : names) row.push_back(value_text(run, name));
    row.push_back(run.peak ? fmt::format("{:.1f}", run.peak->mib) : "-");
    row.push_back(
        run.peak ? fmt::format("{:.1f}-{:.1f}", std::max(0.0, run.peak->interval.low), run.peak->interval.high) : "-");
    if (any_measured) row.push_back(run.measured_mib ? fmt::format("{:.1f}", *run.measured_mib) : "-");
  }
  return table;
}

std::vector<std::string> run_prediction_notes(const std::vector<PredictedRun>& runs, const Regression& regression) {
  std::vector<std::string> notes;
  const std::vector<std::string> terms = regression.terms();
  notes.push_back(
      fmt::format("peak: resident memory at its largest, as {} of this program on this machine, with {}, "
                  "have shown it: {}.",
                  count_of(static_cast<std::int64_t>(regression.runs()), "trial"),
                  count_of(static_cast<std::int64_t>(regression.configurations()), "different setting"),
                  terms.empty() ? "the mean, since no parameter moved it"
                                : fmt::format("a constant, and so much a unit of {}", fmt::join(terms, ", "))));
  if (regression.configurations() > 1) {
    notes.push_back(fmt::format("Each of these settings, told by all the others, is off by {:.1f}% on average.",
                                regression.relative_error() * 100));
  }
  if (regression.sampled() > 0) {
    notes.push_back(
        fmt::format("Of {} of these trials several processes took part: their peak is that of the largest process or "
                    "sample, a lower "
                    "bound, and so is what is told from them.",
                    regression.sampled()));
  }
  if (const auto beyond = first_beyond(runs)) {
    notes.push_back(
        fmt::format("Some trials lie beyond what was measured ({}): there the interval is a guess.", *beyond));
  }
  for (const PredictedRun& run : runs) {
    if (run.unknown.empty()) continue;
    notes.push_back(
        fmt::format("Trial {}: no trial with {} was measured yet: nothing can be said.", run.number, run.unknown));
    break;
  }
  if (!regression.left_out().empty()) {
    notes.push_back(
        fmt::format("Left out, as words with many different values: {}.", fmt::join(regression.left_out(), ", ")));
  }
  return notes;
}

std::string run_prediction_json(const std::vector<PredictedRun>& runs, const Regression& regression) {
  ordered_json rows = ordered_json::array();
  for (const PredictedRun& run : runs) {
    ordered_json parameters = ordered_json::object();
    for (const auto& [name, value] : run.parameters) parameters[name] = ordered_json::parse(value);
    ordered_json row = {{"number", run.number}, {"parameters", std::move(parameters)}};
    row["peak_rss_mib"] = run.peak ? ordered_json(run.peak->mib) : ordered_json();
    row["peak_rss_interval_mib"] =
        run.peak ? ordered_json({run.peak->interval.low, run.peak->interval.high}) : ordered_json();
    row["is_beyond_measured"] = run.peak && !run.peak->beyond.empty();
    row["measured_mib"] = run.measured_mib ? ordered_json(*run.measured_mib) : ordered_json();
    rows.push_back(std::move(row));
  }
  const ordered_json answer = {{"trials_learnt_from", regression.runs()},
                               {"sampled_peaks_among_them", regression.sampled()},
                               {"settings_learnt_from", regression.configurations()},
                               {"terms", regression.terms()},
                               {"mean_relative_error", regression.relative_error()},
                               {"trials", std::move(rows)}};
  return answer.dump(2) + "\n";
}

}  // namespace memtrack
