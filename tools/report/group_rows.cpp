// Groups of a report as rows for programs.

#include "tools/report/report.h"
#include "tools/report/selection.h"
#include "tools/text.h"
#include "tools/values.h"

namespace memtrack {
namespace {

Value mib(std::optional<double> bytes) {
  return bytes ? Value(*bytes / kMib) : Value();
}

// Of no trial there is neither a lowest nor a highest.
Value mib_if(const Spread& spread, double bytes) {
  return spread.mean ? Value(bytes / kMib) : Value();
}

}  // namespace

std::vector<std::string> report_group_columns(const Report& report) {
  std::vector<std::string> names = report.group_by;
  for (const char* name : {"metric", "statistic", "phase", "trials", "memory_mib", "interval_low_mib",
                           "interval_high_mib", "sd_mib", "lowest_mib", "highest_mib", "minus_baseline_mib",
                           "minus_baseline_sd_mib", "is_lower_bound", "reported_memory_mib", "test_accuracy"}) {
    names.emplace_back(name);
  }
  return names;
}

std::vector<Value> report_group_row(const Report& report, const ReportLine& line) {
  std::vector<Value> row;
  for (const std::string& name : report.group_by) row.push_back(report_field(line.row, name));
  const GroupSummary& summary = line.summary.value();
  const Spread& memory = summary.memory;
  const auto add = [&](Value value) { row.push_back(std::move(value)); };
  add(std::string(report.figure.metric.name));
  add(std::string(to_string(report.figure.statistic)));
  add(value_of(report.figure.phase));
  add(memory.count);
  add(mib(memory.mean));
  add(memory.interval ? Value(memory.interval->low / kMib) : Value());
  add(memory.interval ? Value(memory.interval->high / kMib) : Value());
  add(mib(memory.deviation));
  add(mib_if(memory, memory.low));
  add(mib_if(memory, memory.high));
  add(mib(summary.memory_minus_baseline.mean));
  add(mib(summary.memory_minus_baseline.deviation));
  add(std::int64_t{summary.is_lower_bound});
  add(value_of(summary.reported_memory_mib));
  add(value_of(summary.accuracy.mean));
  return row;
}

}  // namespace memtrack
