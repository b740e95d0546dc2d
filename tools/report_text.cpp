// How a report reads: the table, the lines above and below it.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "sweeps/sweep.h"
#include "tools/parameter_leaves.h"
#include "tools/report.h"
#include "tools/text.h"

namespace memtrack {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t kFewReadings = 10;
constexpr std::size_t kLayersWidth = 15;
constexpr std::size_t kParameterWidth = 12;
constexpr std::size_t kReasonsShown = 10;

// True where `value` is what stands in a typed column of the row, which shows it already.
bool has_own_column(const ReportRow& row, const std::string& json) {
  const ordered_json value = ordered_json::parse(json);
  const auto is = [&](const auto& column) { return column && value == ordered_json(*column); };
  return is(row.dataset) || is(row.learning_rate) || is(row.epochs) || is(row.batch_size) ||
         (row.hidden_layers && value.is_array() && value == ordered_json::parse(*row.hidden_layers));
}

template <typename Member>
bool any_row_has(const std::vector<ReportRow>& rows, Member member) {
  return std::any_of(rows.begin(), rows.end(), [&](const ReportRow& row) { return (row.*member).has_value(); });
}

template <typename Member>
bool all_rows_same(const std::vector<ReportRow>& rows, Member member) {
  return std::all_of(rows.begin(), rows.end(), [&](const ReportRow& row) { return row.*member == rows[0].*member; });
}

std::string or_dash(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "-";
}

std::string average_text(const ReportRow& row, bool any_marked) {
  if (!row.average_bytes) {
    return any_marked ? "- " : "-";
  }
  return format_mib(*row.average_bytes) + (row.average_count < kFewReadings ? "*" : any_marked ? " " : "");
}

bool is_marked(const ReportRow& row) {
  return row.average_bytes && row.average_count < kFewReadings;
}

std::string peak_text(const ReportRow& row) {
  if (!row.peak_rss_bytes) {
    return "-";
  }
  return (row.peak_source == "kernel" ? "" : ">=") + format_mib(static_cast<double>(*row.peak_rss_bytes));
}

// Adds columns to a table, one after the other, each with a cell a row.
class TableBuilder {
 public:
  explicit TableBuilder(const std::vector<ReportRow>& rows) : rows_(rows) { table_.rows.resize(rows.size()); }

  template <typename Cell>
  void add(TextColumn column, Cell&& cell) {
    table_.columns.push_back(std::move(column));
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      table_.rows[i].push_back(cell(rows_[i]));
    }
  }

  void add(TextColumn column, const std::vector<std::string>& cells) {
    table_.columns.push_back(std::move(column));
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      table_.rows[i].push_back(cells[i].empty() ? "-" : cells[i]);
    }
  }

  TextTable take() { return std::move(table_); }

 private:
  const std::vector<ReportRow>& rows_;
  TextTable table_;
};

void add_keys(TableBuilder& table, const std::vector<ReportRow>& rows) {
  table.add({.title = "#", .is_number = true, .is_key = true}, [](const auto& r) { return std::to_string(r.number); });
  if (std::any_of(rows.begin(), rows.end(), [](const auto& r) { return r.repeat > 1; })) {
    table.add({.title = "repeat", .is_number = true, .is_key = true},
              [](const auto& r) { return std::to_string(r.repeat); });
  }
  if (std::any_of(rows.begin(), rows.end(), [](const auto& r) { return r.attempt > 1; })) {
    table.add({.title = "attempt", .is_number = true, .is_key = true},
              [](const auto& r) { return std::to_string(r.attempt); });
  }
}

void add_parameters(TableBuilder& table, const std::vector<ReportRow>& rows) {
  if (any_row_has(rows, &ReportRow::dataset) && !all_rows_same(rows, &ReportRow::dataset)) {
    table.add({.title = "dataset"}, [](const auto& r) { return escape_controls(r.dataset.value_or("-")); });
  }
  if (any_row_has(rows, &ReportRow::learning_rate)) {
    table.add({.title = "learning\nrate", .is_number = true},
              [](const auto& r) { return r.learning_rate ? fmt::format("{}", *r.learning_rate) : "-"; });
  }
  if (any_row_has(rows, &ReportRow::epochs)) {
    table.add({.title = "epochs", .is_number = true}, [](const auto& r) { return or_dash(r.epochs); });
  }
  if (any_row_has(rows, &ReportRow::batch_size)) {
    table.add({.title = "batch\nsize", .is_number = true}, [](const auto& r) { return or_dash(r.batch_size); });
  }
  if (any_row_has(rows, &ReportRow::hidden_layers)) {
    table.add({.title = "hidden layers", .fold_to = kLayersWidth},
              [](const auto& r) { return r.hidden_layers ? layers_text(*r.hidden_layers) : "-"; });
  }
  for (const VaryingParameter& parameter : varying_parameters(rows)) {
    table.add({.title = escape_controls(parameter.name), .fold_to = kParameterWidth}, parameter.values);
  }
}

// "1, 2 and 5", at most six of them named.
std::string list_of(const std::vector<std::int64_t>& numbers) {
  constexpr std::size_t kNamed = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(numbers.size(), kNamed); ++i) {
    const bool last = i + 1 == numbers.size();
    text += fmt::format("{}{}", i == 0 ? "" : last ? " and " : ", ", numbers[i]);
  }
  return numbers.size() > kNamed ? fmt::format("{} and {} more", text, numbers.size() - kNamed) : text;
}

std::string interval_text(const ReportRow& row) {
  return format_duration(std::chrono::nanoseconds(row.interval_ns));
}

// Why ended trials have no average.
void add_missing_notes(const Report& report, std::vector<std::string>& notes) {
  std::vector<std::int64_t> short_trials;
  std::vector<std::int64_t> unread_trials;
  std::string interval;
  for (const ReportRow& row : report.rows) {
    if (row.average_bytes || !row.started_ns || !row.ended_ns) {
      continue;
    }
    if (row.tick_count == 0 && *row.ended_ns - *row.started_ns <= row.interval_ns) {
      short_trials.push_back(row.number);
      interval = interval_text(row);
    } else {
      unread_trials.push_back(row.number);
    }
  }
  if (!short_trials.empty()) {
    notes.push_back(
        fmt::format("-: no average, since {} {} shorter than the interval of {}, before the first tick; choose a "
                    "shorter --interval.",
                    list_of(short_trials), short_trials.size() == 1 ? "was" : "were", interval));
  }
  if (!unread_trials.empty()) {
    notes.push_back(fmt::format("-: no average of {}, since no tick could read this figure.", list_of(unread_trials)));
  }
}

// Other trials ran beside them, by `jobs` or by a memtrack run.
void add_shared_notes(const Report& report, std::vector<std::string>& notes) {
  std::vector<std::int64_t> trials;
  for (const ReportRow& row : report.rows) {
    if (row.system_shared) {
      trials.push_back(row.number);
    }
  }
  if (trials.empty()) {
    return;
  }
  notes.push_back(fmt::format(
      "Other trials ran beside {}: {}", list_of(trials),
      report.metric.of_system ? "the whole system's figures carry theirs too; tree rss and peak are the trial's own."
                              : "what is shown is the trial's own; of pss the part of mapped files depends on who "
                                "else maps them."));
}

// Averages of pss that leave out the moments when the trial was largest.
void add_pss_notes(const Report& report, std::vector<std::string>& notes) {
  if (report.metric.name != "tree_pss") {
    return;
  }
  std::vector<std::int64_t> trials;
  for (const ReportRow& row : report.rows) {
    if (row.pss_skipped > 0) {
      trials.push_back(row.number);
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
      notes.push_back(fmt::format("{} {}{}{}; its output: memtrack logs {}", row.number, to_string(row.state),
                                  row.reason.empty() ? "" : ": ", escape_controls(row.reason), row.trial_id));
    }
  }
  if (failed > shown) {
    notes.push_back(fmt::format("and {} more that failed: --format csv has all reasons", failed - shown));
  }
}

}  // namespace

std::vector<VaryingParameter> varying_parameters(const std::vector<ReportRow>& rows) {
  std::vector<VaryingParameter> parameters;
  std::map<std::string, std::size_t> index;
  std::set<std::string> without_column;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const ParameterLeaf& leaf : parameter_leaves(rows[i].parameters)) {
      const auto [found, is_new] = index.try_emplace(leaf.name, parameters.size());
      if (is_new) {
        parameters.push_back({leaf.name, std::vector<std::string>(rows.size())});
      }
      parameters[found->second].values[i] = leaf.text;
      if (!has_own_column(rows[i], leaf.json)) {
        without_column.insert(leaf.name);
      }
    }
  }
  std::erase_if(parameters, [&](const VaryingParameter& parameter) {
    const auto& values = parameter.values;
    const bool same = std::all_of(values.begin(), values.end(), [&](const auto& value) { return value == values[0]; });
    return same || !without_column.contains(parameter.name);
  });
  return parameters;
}

TextTable report_table(const Report& report) {
  TableBuilder table(report.rows);
  add_keys(table, report.rows);
  add_parameters(table, report.rows);
  const bool any_marked = std::any_of(report.rows.begin(), report.rows.end(), is_marked);
  table.add({.title = std::string(report.metric.title), .is_number = true},
            [&](const auto& r) { return average_text(r, any_marked); });
  if (any_row_has(report.rows, &ReportRow::reported_memory_mib)) {
    table.add({.title = "reported\nMiB", .is_number = true}, [](const auto& r) {
      return r.reported_memory_mib ? fmt::format("{:.2f}", *r.reported_memory_mib) : "-";
    });
  }
  table.add({.title = "ticks", .is_number = true}, [](const auto& r) { return std::to_string(r.tick_count); });
  table.add({.title = "state"}, [](const auto& r) { return std::string(to_string(r.state)); });
  if (report.metric.name != "tree_rss") {
    table.add({.title = "tree rss\nMiB", .is_number = true},
              [](const auto& r) { return r.tree_rss_bytes ? format_mib(*r.tree_rss_bytes) : "-"; });
  }
  table.add({.title = "peak\nMiB", .is_number = true}, peak_text);
  if (any_row_has(report.rows, &ReportRow::test_accuracy)) {
    table.add({.title = "test\naccuracy", .is_number = true},
              [](const auto& r) { return r.test_accuracy ? fmt::format("{:.4f}", *r.test_accuracy) : "-"; });
  }
  return table.take();
}

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
  std::vector<std::string> notes = {
      fmt::format("Memory: {}; mean over each trial's ticks, in MiB (1,048,576 bytes).", report.metric.meaning)};
  if (any_row_has(report.rows, &ReportRow::peak_rss_bytes)) {
    const bool bounds = std::any_of(report.rows.begin(), report.rows.end(), [](const ReportRow& row) {
      return row.peak_rss_bytes && row.peak_source != "kernel";
    });
    notes.push_back(bounds ? "Peak: resident memory; the kernel's high-water mark, or with >= the largest sample, a "
                             "lower bound (not to be mixed)."
                           : "Peak: resident memory, the kernel's high-water mark.");
    if (bounds) {
      notes.push_back(
          "Resident memory (rss) of several processes is a sum: pages that they share count once for each; --metric "
          "tree_pss counts them once.");
    }
  }
  if (const auto marked = std::find_if(report.rows.begin(), report.rows.end(), is_marked);
      marked != report.rows.end()) {
    notes.push_back(fmt::format("*: a mean over fewer than {} readings; choose an --interval shorter than {}.",
                                kFewReadings, interval_text(*marked)));
  }
  add_missing_notes(report, notes);
  add_shared_notes(report, notes);
  add_pss_notes(report, notes);
  add_failure_notes(report, notes);
  return notes;
}

}  // namespace memtrack
