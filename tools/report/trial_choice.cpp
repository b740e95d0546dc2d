#include "tools/report/trial_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/text.h"
#include "tools/values.h"

namespace memtrack {
namespace {

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

std::vector<std::int64_t> parse_trials(const std::string& text) {
  std::vector<std::int64_t> trials;
  for (const std::string& part : parts_of(text)) {
    std::int64_t trial = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), trial);
    if (error != std::errc() || end != part.data() + part.size()) break;
    trials.push_back(trial);
  }
  if (trials.empty() || trials.size() != parts_of(text).size()) {
    throw UsageError(fmt::format("'trial:{}' would have to be trial:ID, or trial:ID,ID", escape_controls(text)));
  }
  for (const std::int64_t trial : trials) {
    if (std::count(trials.begin(), trials.end(), trial) > 1) {
      throw UsageError(
          fmt::format("'trial:{}' names {} twice, and one trial is one reading", escape_controls(text), trial));
    }
  }
  return trials;
}

Filter parse_part(const std::string& part) {
  try {
    return parse_filter(part);
  } catch (const UsageError&) {
    throw UsageError(
        fmt::format("behind ':' stands '{}', and would have to be NAME=VALUE, with = or one of != < <= > "
                    ">= (a sweep whose name holds ':' is named by its id)",
                    escape_controls(part)));
  }
}

}  // namespace

TrialChoice::TrialChoice(const std::string& text, const std::string& database_flag)
    : spec_(parse(text)), database_(open_for_reading(spec_.file.value_or(database_flag))) {
  for (const std::int64_t trial : spec_.trials) sweeps_.push_back(sweep_of_trial(trial));
  if (sweeps_.empty()) sweeps_.push_back(find_report_sweep(database_, spec_.sweep));
}

TrialChoice::Spec TrialChoice::parse(const std::string& text) {
  std::error_code error;
  if (std::filesystem::is_regular_file(text, error)) return {.file = text};
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return {.sweep = text};
  const std::string behind = text.substr(colon + 1);
  if (text.substr(0, colon) == "trial") return {.trials = parse_trials(behind)};
  Spec spec{.sweep = text.substr(0, colon)};
  for (const std::string& part : parts_of(behind)) spec.filters.push_back(parse_part(part));
  return spec;
}

void TrialChoice::add_phases(std::vector<std::vector<std::string>>& named_by_each) {
  for (const ReportSweep& sweep : sweeps_) named_by_each.push_back(report_phases(database_, sweep.sweep_id));
}

std::vector<ReportRow> TrialChoice::read(const Figure& figure) {
  std::vector<ReportRow> rows;
  for (std::size_t i = 0; i < sweeps_.size(); ++i) {
    const auto only = spec_.trials.empty() ? std::nullopt : std::optional(spec_.trials[i]);
    for_each_report_row(
        database_, sweeps_[i].sweep_id, figure, [&](const ReportRow& row) { rows.push_back(row); }, only);
  }
  for (const Filter& filter : spec_.filters) {
    check_field(rows, filter.name, title());
    std::erase_if(rows, [&](const ReportRow& row) { return !passes(row, filter); });
  }
  if (rows.empty()) {
    throw UsageError(title() + (spec_.trials.empty() ? ": no trial is like that"
                                                     : ": a warm-up, or tried again later; its last attempt counts"));
  }
  return rows;
}

ReportSweep TrialChoice::sweep_of_trial(std::int64_t trial) {
  const ResultTable found = query(database_, "SELECT sweep_id FROM trials WHERE trial_id = ?1", {trial});
  if (found.rows.empty()) {
    throw UsageError(fmt::format("there is no trial {} in {}; 'memtrack report --format csv' lists their ids", trial,
                                 database_.path().string()));
  }
  return find_report_sweep(database_, std::to_string(whole_of(found.rows[0][0]).value()));
}

std::string TrialChoice::title() const {
  if (!spec_.trials.empty()) {
    return fmt::format("trial{} {}", spec_.trials.size() == 1 ? "" : "s", fmt::join(spec_.trials, ", "));
  }
  std::string text = fmt::format("sweep {} '{}'", sweeps_[0].sweep_id, escape_controls(sweeps_[0].name));
  if (spec_.file) text += " of " + escape_controls(*spec_.file);
  for (std::size_t i = 0; i < spec_.filters.size(); ++i) {
    const Filter& filter = spec_.filters[i];
    text += fmt::format("{}{}{}{}", i == 0 ? " with " : ", ", escape_controls(filter.name), filter.comparison,
                        escape_controls(filter.value));
  }
  return text;
}

}  // namespace memtrack
