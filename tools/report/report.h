#pragma once

// The paper's tables: a sweep's trials with their hyperparameters and the memory that they used, as people read them.
// All of it is a function of what was read (rows.h).

#include <optional>
#include <string>
#include <vector>

#include "tools/report/rows.h"
#include "tools/report/summary.h"
#include "tools/text_table.h"

namespace memtrack {

// full: all columns, the hidden layers in one of them. columns: as the paper's Table 1, a column a hidden layer.
// apart: as its Tables 2 and 3, 4 and 5: the hidden layers in a table of their own.
enum class ReportForm { full, columns, apart };
ReportForm parse_report_form(std::string_view name);  // throws UsageError

struct Report {
  ReportSweep sweep;
  Figure figure;
  std::vector<ReportRow> rows;
  ReportForm form = ReportForm::full;
  bool fold = true;                        // repeats of one number are one line
  std::vector<std::string> group_by = {};  // fields (selection.h); trials that agree in them are one line
};

// A line of the table: one trial, or several as one.
struct ReportLine {
  ReportRow row;                             // the first of them
  std::optional<GroupSummary> summary = {};  // nullopt: one trial alone
  bool is_marked = false;                    // an average over few readings is in it
};
// Lines of one trial each where nothing is to be folded.
std::vector<ReportLine> report_lines(const Report& report);

// Parameters without a column of their own whose values differ between rows, nested ones as "optimizer.lr"; one entry
// a row, empty where the row has none of that name.
struct VaryingParameter {
  std::string name;
  std::vector<std::string> values;
};
std::vector<VaryingParameter> varying_parameters(const std::vector<ReportRow>& rows);

// For programs: a row a group; bytes and MiB.
std::vector<std::string> report_group_columns(const Report& report);
std::vector<Value> report_group_row(const Report& report, const ReportLine& line);

// One table, or two where the layers stand apart.
std::vector<TextTable> report_tables(const Report& report);

// Lines above the table: which sweep, how many trials in which states, what is the same in all of them.
std::string report_head(const Report& report);

// Lines below it: which figure is shown, what its marks mean, why an average is missing, and what the figures cannot
// say.
std::vector<std::string> report_notes(const Report& report);

}  // namespace memtrack
