#pragma once

// The paper's tables: a sweep's trials with their hyperparameters and the memory that they used.
// for_each_report_row() reads; everything else is a function of its arguments.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database.h"
#include "storage/query.h"
#include "sweeps/trial_state.h"
#include "tools/text_table.h"

namespace memtrack {

// An average that a report can show in its column "memory used".
struct ReportMetric {
  std::string_view name;     // "used": what --metric says
  std::string_view average;  // column of trial_memory
  std::string_view count;    // column of trial_memory with the number of readings behind it
  std::string_view title;    // of the column, '\n' for a line break
  std::string_view meaning;  // "used_bytes, the whole system's total - free - buffers - cached"
  bool of_system = false;    // what others hold is in it
};
std::span<const ReportMetric> report_metrics();

// Throws UsageError naming all of them.
const ReportMetric& find_report_metric(std::string_view name);

struct ReportRow {
  std::int64_t trial_id = 0;
  std::int64_t number = 0;
  std::int64_t repeat = 1;
  std::int64_t attempt = 1;
  TrialState state = TrialState::queued;
  std::string reason = {};
  std::optional<std::string> dataset = {};
  std::optional<double> learning_rate = {};
  std::optional<std::int64_t> epochs = {};
  std::optional<std::int64_t> batch_size = {};
  std::optional<std::string> hidden_layers = {};  // JSON list
  std::string parameters = {};                    // JSON object
  std::int64_t interval_ns = 0;
  std::optional<std::int64_t> started_ns = {}, ended_ns = {};
  std::optional<double> reported_memory_mib = {};
  std::optional<double> average_bytes = {};  // of the report's metric
  std::int64_t average_count = 0;            // readings behind it
  std::int64_t tick_count = 0;
  std::optional<double> tree_rss_bytes = {};  // average
  std::optional<std::int64_t> peak_rss_bytes = {};
  std::optional<std::string> peak_source = {};
  std::optional<double> test_accuracy = {};  // of the last epoch that told one
  bool system_shared = false;                // other trials ran beside it
  std::int64_t pss_skipped = 0;              // readings of pss left out, see docs/metrics.md
};

struct ReportSweep {
  std::int64_t sweep_id = 0;
  std::string name;
  std::string method;
};

// `id_or_name`: empty: the latest. Throws UsageError where there is none.
ReportSweep find_report_sweep(Database& database, const std::string& id_or_name);

// By number, repeat and attempt.
void for_each_report_row(Database& database, std::int64_t sweep_id, const ReportMetric& metric,
                         const std::function<void(const ReportRow&)>& take);

struct Report {
  ReportSweep sweep;
  ReportMetric metric;
  std::vector<ReportRow> rows;
};

// Parameters without a column of their own whose values differ between rows, nested ones as "optimizer.lr"; one entry
// a row, empty where the row has none of that name.
struct VaryingParameter {
  std::string name;
  std::vector<std::string> values;
};
std::vector<VaryingParameter> varying_parameters(const std::vector<ReportRow>& rows);

TextTable report_table(const Report& report);

// Lines above the table: which sweep, how many trials in which states, what is the same in all of them.
std::string report_head(const Report& report);

// Lines below it: which figure is shown, what its marks mean, and why an average is missing.
std::vector<std::string> report_notes(const Report& report);

// Full precision, raw bytes beside MiB. A row of csv holds hidden_layers and parameters as JSON text, an object of JSON
// as what they are.
std::vector<std::string> report_csv_columns();
std::vector<Value> report_csv_row(const ReportRow& row, const ReportMetric& metric);
std::string report_json_object(const ReportRow& row, const ReportMetric& metric);

}  // namespace memtrack
