#pragma once

// Which of a report's rows are shown, in which order, and which belong together. Functions of their arguments.

#include <string>
#include <string_view>
#include <vector>

#include "tools/report/rows.h"

namespace memtrack {

// What a row holds under a name: a column of the report (number, repeat, state, dataset, learning_rate, epochs,
// batch_size, hidden_layers, depth, hidden_nodes, parameter_count, memory, reported, peak, accuracy, ticks), else a
// parameter, nested ones as "optimizer.lr". Lists of widths read 128-64. NULL where the row has none of it.
Value report_field(const ReportRow& row, std::string_view name);

// Throws UsageError naming the nearest where no row knows `name`. `option`: "--sort", for the message.
void check_field(const std::vector<ReportRow>& rows, std::string_view name, std::string_view option);

// "batch_size>=32", "optimizer=adam": name, one of = != < <= > >=, value. Numbers are compared as such.
struct Filter {
  std::string name;
  std::string comparison;
  std::string value;
};
// Throws UsageError.
Filter parse_filter(std::string_view text);
bool passes(const ReportRow& row, const Filter& filter);  // a row without that field never passes

// By several fields, the first first; "-memory": the largest first. Rows without a field stand last.
void sort_rows(std::vector<ReportRow>& rows, const std::vector<std::string>& names);

// Rows that hold the same under all `names`, in the order of their first rows.
std::vector<std::vector<ReportRow>> group_rows(const std::vector<ReportRow>& rows,
                                               const std::vector<std::string>& names);

// A field as people read it; "-": none.
std::string field_text(const ReportRow& row, std::string_view name);

}  // namespace memtrack
