// What stands above and below a report's table.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "sweeps/sweep.h"
#include "tools/report/few_readings.h"
#include "tools/report/report.h"
#include "tools/text.h"

namespace memtrack {
namespace {

constexpr std::size_t kReasonsShown = 10;

using Notes = std::vector<std::string>;

template <typename Condition>
bool any_row(const Report& report, Condition condition) {
  return std::any_of(report.rows.begin(), report.rows.end(), condition);
}

template <typename Member>
bool any_row_has(const std::vector<ReportRow>& rows, Member member) {
  return std::any_of(rows.begin(), rows.end(), [&](const ReportRow& row) { return (row.*member).has_value(); });
}

template <typename Member>
bool all_rows_same(const std::vector<ReportRow>& rows, Member member) {
  return std::all_of(rows.begin(), rows.end(), [&](const ReportRow& row) { return row.*member == rows[0].*member; });
}

// "1, 2 and 5", at most six of them named.
std::string list_of(const std::set<std::int64_t>& numbers) {
  constexpr std::size_t kNamed = 6;
  std::string text;
  std::size_t named = 0;
  for (const std::int64_t number : numbers) {
    if (++named > kNamed) return fmt::format("{} and {} more", text, numbers.size() - kNamed);
    text += fmt::format("{}{}", named == 1 ? "" : named == numbers.size() ? " and " : ", ", number);
  }
  return text;
}

std::string interval_text(const ReportRow& row) {
  return format_duration(std::chrono::nanoseconds(row.interval_ns));
}

// Why ended trials have no average.
void add_missing_notes(const Report& report, std::vector<std::string>& notes) {
  std::set<std::int64_t> without_tick;
  std::set<std::int64_t> unread;
  std::string interval;
  for (const ReportRow& row : report.rows) {
    if (row.memory_bytes || !row.started_ns || !row.ended_ns) {
      continue;
    }
    (row.tick_count == 0 ? without_tick : unread).insert(row.number);
    if (row.tick_count == 0) interval = interval_text(row);
  }
  if (!without_tick.empty()) {
    notes.push_back(fmt::format(
        "-: no average of {}, since no tick fell into {}; choose an --interval shorter than {}.", list_of(without_tick),
        report.figure.phase ? "phase " + escape_controls(*report.figure.phase) : "the trial", interval));
  }
  if (!unread.empty()) {
    notes.push_back(fmt::format("-: no average of {}, since no tick could read this figure.", list_of(unread)));
  }
}

// Other trials ran beside them, by `jobs` or by a memtrack run.
void add_shared_notes(const Report& report, Notes& notes) {
  std::set<std::int64_t> trials;
  for (const ReportRow& row : report.rows) {
    if (row.system_shared) trials.insert(row.number);
  }
  if (trials.empty()) return;
  const bool of_system = !report.figure.metric.baseline.empty();
  notes.push_back(fmt::format(
      "Other trials ran beside {}: {}", list_of(trials),
      of_system ? "the whole system's figures carry theirs too; tree rss and peak are the trial's own."
                : "what is shown is the trial's own; of pss the part of mapped files depends on who else maps them."));
}

// Averages of pss that leave out the moments when the trial was largest.
void add_pss_notes(const Report& report, std::vector<std::string>& notes) {
  if (report.figure.metric.name != "tree_pss") {
    return;
  }
  std::set<std::int64_t> trials;
  for (const ReportRow& row : report.rows) {
    if (row.pss_skipped > 0) {
      trials.insert(row.number);
    }
  }
  if (!trials.empty()) {
    notes.push_back(
        fmt::format("Of number {}, pss was not read at times: walking through a process that large would hold it up "
                    "for over 10 ms.",
                    list_of(trials)));
  }
}

void add_failure_notes(const Report& report, std::vector<std::string>& notes) {
  std::size_t shown = 0;
  std::size_t failed = 0;
  for (const ReportRow& row : report.rows) {
    if (!is_final(row.state) || row.state == TrialState::done || row.state == TrialState::cancelled) {
      continue;
    }
    ++failed;
    if (shown < kReasonsShown) {
      ++shown;
      notes.push_back(fmt::format("{}{} {}{}{}; its output: memtrack logs {}", row.number,
                                  repeat_text(row.repeat, false), to_string(row.state), row.reason.empty() ? "" : ": ",
                                  escape_controls(row.reason), row.trial_id));
    }
  }
  if (failed > shown) {
    notes.push_back(fmt::format("and {} more that failed: --format csv has all reasons", failed - shown));
  }
}

void add_spread_notes(const Report& report, Notes& notes) {
  const std::vector<ReportLine> lines = report_lines(report);
  const auto any = [&](const auto& condition) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const ReportLine& line) { return line.summary && condition(*line.summary); });
  };
  if (!any([](const GroupSummary&) { return true; })) return;
  notes.push_back(fmt::format(
      "±: 95% t interval of the mean over {} that are done; sd: their standard deviation. The unit is the trial.",
      report.group_by.empty() ? "the repeats" : "the group's trials"));
  if (any([](const GroupSummary& summary) { return summary.memory.count == 1; })) {
    notes.push_back("Without ±: one trial alone, which says nothing of how much the next would differ.");
  }
  if (any([](const GroupSummary& summary) { return summary.mixed_sources; })) {
    notes.push_back("mixed: exact peaks beside lower bounds, which are not averaged together.");
  }
}

bool has_baseline(const ReportRow& row) {
  return row.baseline_bytes.has_value();
}

void add_baseline_notes(const Report& report, Notes& notes) {
  if (!report.figure.minus_baseline) return;
  if (!any_row(report, has_baseline)) {
    notes.push_back("No trial of this sweep has a baseline: 'baseline: 5s' in the sweep file takes one.");
    return;
  }
  notes.push_back(
      "Minus baseline: without what the idle system used before and after the trial. A baseline can equal the load of "
      "the trial before it: subtract it where its standard deviation is the smaller one.");
}

// What figures of this sweep cannot tell, whatever they are.
void add_warnings(const Report& report, Notes& notes) {
  std::set<std::int64_t> numbers;
  for (const ReportRow& row : report.rows) numbers.insert(row.number);
  if (numbers.size() < 2) return;
  if (numbers.size() == report.rows.size()) {
    notes.push_back(
        "One repeat of each: a difference between two trials may be chance; 'repeats: 3' in the sweep file, or "
        "--repeats 3, shows how much chance does.");
  }
  if (any_row(report, [](const ReportRow& row) { return row.order == "listed"; })) {
    notes.push_back(
        "The trials ran in the order listed: what changes with time (caches, other programs) looks like a "
        "hyperparameter; 'order: shuffled' keeps them apart.");
  }
}

void add_peak_notes(const Report& report, Notes& notes) {
  if (report.form != ReportForm::full || !any_row_has(report.rows, &ReportRow::peak_rss_bytes)) return;
  const bool bounds =
      any_row(report, [](const ReportRow& row) { return row.peak_rss_bytes && row.peak_source != "kernel"; });
  notes.push_back(bounds ? "Peak: resident memory; the kernel's high-water mark, or with >= the largest sample, a "
                           "lower bound (not to be mixed)."
                         : "Peak: resident memory, the kernel's high-water mark.");
  if (bounds) {
    notes.push_back(
        "Resident memory (rss) of several processes is a sum: pages that they share count once for each; --metric "
        "tree_pss counts them once.");
  }
}

}  // namespace

std::string report_head(const Report& report) {
  std::map<TrialState, std::int64_t> states;
  for (const ReportRow& row : report.rows) {
    ++states[row.state];
  }
  std::string counts;
  for (const auto& [state, count] : states) {
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, to_string(state));
  }
  std::string head =
      fmt::format("Sweep {} '{}' ({}): {}: {}\n", report.sweep.sweep_id, escape_controls(report.sweep.name),
                  report.sweep.method, count_of(static_cast<std::int64_t>(report.rows.size()), "trial"), counts);
  std::string common;
  if (!report.rows.empty() && all_rows_same(report.rows, &ReportRow::interval_ns)) {
    common = "interval " + interval_text(report.rows[0]);
  }
  if (any_row_has(report.rows, &ReportRow::dataset) && all_rows_same(report.rows, &ReportRow::dataset)) {
    common += fmt::format("{}dataset {}", common.empty() ? "" : ", ", escape_controls(*report.rows[0].dataset));
  }
  return head + (common.empty() ? "" : "In all trials: " + common + "\n");
}

std::vector<std::string> report_notes(const Report& report) {
  Notes notes = {figure_sentence(report.figure)};
  add_peak_notes(report, notes);
  add_spread_notes(report, notes);
  add_baseline_notes(report, notes);
  if (const auto marked = std::find_if(report.rows.begin(), report.rows.end(), has_few_readings);
      marked != report.rows.end()) {
    notes.push_back(fmt::format("*: over fewer than {} readings; choose an --interval shorter than {}.", kFewReadings,
                                interval_text(*marked)));
  }
  add_missing_notes(report, notes);
  add_shared_notes(report, notes);
  add_pss_notes(report, notes);
  add_failure_notes(report, notes);
  add_warnings(report, notes);
  return notes;
}

}  // namespace memtrack
