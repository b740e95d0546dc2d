// The table of a report.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/exit_codes.h"
#include "tools/parameter_leaves.h"
#include "tools/report/few_readings.h"
#include "tools/report/report.h"
#include "tools/report/selection.h"
#include "tools/text.h"

namespace memtrack {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLayersWidth = 15;
constexpr std::size_t kParameterWidth = 12;

std::string or_dash(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "-";
}

std::string mib_or_dash(const std::optional<double>& bytes) {
  return bytes ? format_mib(*bytes) : "-";
}

// "1450.00 ± 3.20"
std::string spread_text(const Spread& spread) {
  if (!spread.mean) return "-";
  if (!spread.interval) return format_mib(*spread.mean);
  return fmt::format("{} ± {}", format_mib(*spread.mean),
                     format_mib((spread.interval->high - spread.interval->low) / 2));
}

std::string memory_text(const ReportLine& line) {
  if (!line.summary) return (line.row.memory_source == "samples" ? ">=" : "") + mib_or_dash(line.row.memory_bytes);
  if (line.summary->mixed_sources) return "mixed";
  return (line.summary->is_lower_bound ? ">=" : "") + spread_text(line.summary->memory);
}

std::string peak_text(const ReportLine& line) {
  if (line.summary) {
    const bool is_bound = line.summary->peak_is_lower_bound;
    return line.summary->peak.mean ? (is_bound ? ">=" : "") + spread_text(line.summary->peak) : "-";
  }
  if (!line.row.peak_rss_bytes) return "-";
  return (line.row.peak_source == "kernel" ? "" : ">=") + format_mib(static_cast<double>(*line.row.peak_rss_bytes));
}

std::string state_text(const ReportLine& line) {
  if (!line.summary) return std::string(to_string(line.row.state));
  const auto& [trials, done] = std::pair(line.summary->trials, line.summary->done);
  return trials == done ? fmt::format("{} done", done) : fmt::format("{} of {} done", done, trials);
}

std::string accuracy_text(const ReportLine& line) {
  const std::optional<double> accuracy = line.summary ? line.summary->accuracy.mean : line.row.test_accuracy;
  return accuracy ? fmt::format("{:.4f}", *accuracy) : "-";
}

std::string reported_text(const ReportLine& line) {
  const std::optional<double> mib = line.summary ? line.summary->reported_memory_mib : line.row.reported_memory_mib;
  return mib ? fmt::format("{:.2f}", *mib) : "-";
}

std::vector<std::string> layers_of(const ReportRow& row) {
  std::vector<std::string> widths;
  if (row.hidden_layers) {
    for (const auto& width : ordered_json::parse(*row.hidden_layers)) widths.push_back(width.dump());
  }
  return widths;
}

template <typename Member>
bool any_has(const std::vector<ReportRow>& rows, Member member) {
  return std::any_of(rows.begin(), rows.end(), [&](const ReportRow& row) { return (row.*member).has_value(); });
}

// Adds columns to a table, one after the other, each with a cell a line.
class TableBuilder {
 public:
  explicit TableBuilder(const Report& report) : report_(report), lines_(report_lines(report)) {
    table_.rows.resize(lines_.size());
  }

  TextTable full() {
    if (report_.group_by.empty()) {
      add_keys();
      add_parameters();
    } else {
      add_group_fields();
    }
    add_figures();
    if (any_has(report_.rows, &ReportRow::reported_memory_mib)) add_number("reported\nMiB", reported_text);
    if (!is_folded()) {
      add_number("ticks", [](const auto& line) { return std::to_string(line.row.tick_count); });
    }
    add({.title = "state"}, state_text);
    if (report_.figure.metric.name != "tree_rss" && !is_folded()) {
      add_number("tree rss\nMiB", [](const auto& line) { return mib_or_dash(line.row.tree_rss_bytes); });
    }
    add_number("peak\nMiB", peak_text);
    if (any_has(report_.rows, &ReportRow::test_accuracy)) add_number("test\naccuracy", accuracy_text);
    return std::move(table_);
  }

  // Number, hyperparameters, memory: what the paper shows. With a column a layer or without any layer.
  TextTable paper(bool with_layers) {
    add_keys();
    add_typed_parameters();
    if (with_layers) add_layers("HL {}");
    add_other_parameters();
    add_memory();
    if (any_has(report_.rows, &ReportRow::reported_memory_mib)) add_number("reported\nMiB", reported_text);
    return std::move(table_);
  }

  TextTable layers() {
    add_keys();
    add_layers("Layer {}");
    return std::move(table_);
  }

 private:
  template <typename Cell>
  void add(TextColumn column, Cell&& cell) {
    table_.columns.push_back(std::move(column));
    for (std::size_t i = 0; i < lines_.size(); ++i) table_.rows[i].push_back(cell(lines_[i]));
  }

  template <typename Cell>
  void add_number(std::string title, Cell&& cell) {
    add({.title = std::move(title), .is_number = true}, cell);
  }

  bool is_folded() const { return !lines_.empty() && lines_.front().summary.has_value(); }

  void add_keys() {
    add({.title = "#", .is_number = true, .is_key = true},
        [](const auto& line) { return std::to_string(line.row.number); });
    const auto any = [&](const auto& condition) {
      return std::any_of(lines_.begin(), lines_.end(), [&](const auto& line) { return condition(line.row); });
    };
    if (!is_folded() && any([](const ReportRow& row) { return row.repeat > 1; })) {
      add({.title = "repeat", .is_number = true, .is_key = true},
          [](const auto& line) { return std::to_string(line.row.repeat); });
    }
    if (!is_folded() && any([](const ReportRow& row) { return row.attempt > 1; })) {
      add({.title = "attempt", .is_number = true, .is_key = true},
          [](const auto& line) { return std::to_string(line.row.attempt); });
    }
  }

  void add_group_fields() {
    for (const std::string& name : report_.group_by) {
      const bool is_number = std::all_of(report_.rows.begin(), report_.rows.end(), [&](const ReportRow& row) {
        return !std::holds_alternative<std::string>(report_field(row, name));
      });
      std::string title = name;
      std::replace(title.begin(), title.end(), '_', ' ');
      add({.title = escape_controls(title), .is_number = is_number, .is_key = true, .fold_to = kLayersWidth},
          [&](const auto& line) { return escape_controls(field_text(line.row, name)); });
    }
  }

  void add_parameters() {
    add_typed_parameters();
    if (any_has(report_.rows, &ReportRow::hidden_layers)) {
      add({.title = "hidden layers", .fold_to = kLayersWidth},
          [](const auto& line) { return line.row.hidden_layers ? layers_text(*line.row.hidden_layers) : "-"; });
    }
    add_other_parameters();
  }

  void add_typed_parameters() {
    const auto& rows = report_.rows;
    const auto other = [&](const ReportRow& row) { return row.dataset != rows[0].dataset; };
    if (std::any_of(rows.begin(), rows.end(), other)) {
      add({.title = "dataset"}, [](const auto& line) { return escape_controls(line.row.dataset.value_or("-")); });
    }
    if (any_has(rows, &ReportRow::learning_rate)) {
      add_number("learning\nrate", [](const auto& line) {
        return line.row.learning_rate ? fmt::format("{}", *line.row.learning_rate) : "-";
      });
    }
    if (any_has(rows, &ReportRow::epochs)) {
      add_number("epochs", [](const auto& line) { return or_dash(line.row.epochs); });
    }
    if (any_has(rows, &ReportRow::batch_size)) {
      add_number("batch\nsize", [](const auto& line) { return or_dash(line.row.batch_size); });
    }
  }

  void add_other_parameters() {
    std::vector<ReportRow> rows;
    for (const ReportLine& line : lines_) rows.push_back(line.row);
    for (const VaryingParameter& parameter : varying_parameters(rows)) {
      table_.columns.push_back({.title = escape_controls(parameter.name), .fold_to = kParameterWidth});
      for (std::size_t i = 0; i < rows.size(); ++i) {
        table_.rows[i].push_back(parameter.values[i].empty() ? "-" : parameter.values[i]);
      }
    }
  }

  // A network that has fewer layers than the deepest: "-", as in the paper.
  void add_layers(fmt::format_string<std::size_t> title) {
    std::size_t deepest = 0;
    for (const ReportLine& line : lines_) deepest = std::max(deepest, layers_of(line.row).size());
    for (std::size_t i = 0; i < deepest; ++i) {
      add_number(fmt::format(title, i + 1), [&](const auto& line) {
        const std::vector<std::string> widths = layers_of(line.row);
        return i < widths.size() ? widths[i] : std::string("-");
      });
    }
  }

  // Marks stand behind the number, and where some are marked the others have a blank there.
  void add_memory() {
    const bool any_marked =
        std::any_of(lines_.begin(), lines_.end(), [](const ReportLine& line) { return line.is_marked; });
    add_number(figure_title(report_.figure), [&](const ReportLine& line) {
      return memory_text(line) + (line.is_marked ? "*" : any_marked ? " " : "");
    });
  }

  void add_figures() {
    if (!report_.group_by.empty()) {
      add_number("trials", [](const auto& line) { return std::to_string(line.summary->memory.count); });
    }
    add_memory();
    if (is_folded()) {
      add_number("sd", [](const auto& line) { return mib_or_dash(line.summary->memory.deviation); });
    }
    if (!report_.group_by.empty()) {
      add_number("lowest\nto highest", [](const auto& line) {
        const Spread& memory = line.summary->memory;
        return memory.mean ? fmt::format("{} to {}", format_mib(memory.low), format_mib(memory.high)) : "-";
      });
    }
    if (report_.figure.minus_baseline) add_minus_baseline();
  }

  void add_minus_baseline() {
    add_number("minus\nbaseline\nMiB", [](const ReportLine& line) {
      if (line.summary) return spread_text(line.summary->memory_minus_baseline);
      const ReportRow& row = line.row;
      return row.memory_bytes && row.baseline_bytes ? format_mib(*row.memory_bytes - *row.baseline_bytes) : "-";
    });
    if (is_folded()) {
      add_number("sd", [](const auto& line) { return mib_or_dash(line.summary->memory_minus_baseline.deviation); });
    }
  }

  const Report& report_;
  std::vector<ReportLine> lines_;
  TextTable table_;
};

}  // namespace

ReportForm parse_report_form(std::string_view name) {
  if (name == "full") return ReportForm::full;
  if (name == "columns") return ReportForm::columns;
  if (name == "apart") return ReportForm::apart;
  throw UsageError(fmt::format("--form is '{}', and would have to be full, columns or apart", name));
}

std::vector<ReportLine> report_lines(const Report& report) {
  std::vector<std::vector<ReportRow>> groups;
  if (!report.group_by.empty()) {
    groups = group_rows(report.rows, report.group_by);
  } else if (report.fold) {
    groups = group_rows(report.rows, {"number"});
  }
  const bool folds = !report.group_by.empty() || (!groups.empty() && groups.size() < report.rows.size());
  std::vector<ReportLine> lines;
  if (!folds) {
    for (const ReportRow& row : report.rows) lines.push_back({.row = row, .is_marked = has_few_readings(row)});
    return lines;
  }
  for (const std::vector<ReportRow>& group : groups) {
    lines.push_back({.row = group.front(),
                     .summary = summarize(group),
                     .is_marked = std::any_of(group.begin(), group.end(), [](const ReportRow& row) {
                       return row.state == TrialState::done && has_few_readings(row);
                     })});
  }
  return lines;
}

std::vector<TextTable> report_tables(const Report& report) {
  switch (report.form) {
    case ReportForm::columns:
      return {TableBuilder(report).paper(true)};
    case ReportForm::apart:
      return {TableBuilder(report).paper(false), TableBuilder(report).layers()};
    case ReportForm::full:
      break;
  }
  return {TableBuilder(report).full()};
}

}  // namespace memtrack
