#pragma once

// A sweep's trials as a report takes them from the database: the last attempt of each, no warm-ups.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/query.h"
#include "sweeps/trial_state.h"
#include "tools/report/figure.h"

namespace memtrack {

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
  std::optional<std::int64_t> depth = {}, hidden_nodes = {}, parameter_count = {};
  std::string parameters = {};  // JSON object
  std::int64_t interval_ns = 0;
  std::string order = {};  // "shuffled", "listed"; empty: not known
  bool system_shared = false;
  std::optional<std::int64_t> started_ns = {}, ended_ns = {};
  std::optional<double> reported_memory_mib = {};
  std::optional<double> memory_bytes = {};        // the report's figure
  std::int64_t memory_count = 0;                  // readings behind it
  std::optional<std::string> memory_source = {};  // of a peak: kernel, samples
  std::optional<double> baseline_bytes = {};
  std::int64_t tick_count = 0;
  std::optional<double> tree_rss_bytes = {};  // average
  std::optional<std::int64_t> peak_rss_bytes = {};
  std::optional<std::string> peak_source = {};
  std::optional<double> test_accuracy = {};  // of the last epoch that told one
  std::int64_t pss_skipped = 0;              // readings of pss left out, see docs/metrics.md
};

struct ReportSweep {
  std::int64_t sweep_id = 0;
  std::string name;
  std::string method;
};

// `id_or_name`: empty: the latest. Throws UsageError where there is none.
ReportSweep find_report_sweep(Database& database, const std::string& id_or_name);

// The phases that the sweep's trials named, in the order of the alphabet.
std::vector<std::string> report_phases(Database& database, std::int64_t sweep_id);

// By number, repeat and attempt; or that of one trial alone.
void for_each_report_row(Database& database, std::int64_t sweep_id, const Figure& figure,
                         const std::function<void(const ReportRow&)>& take,
                         std::optional<std::int64_t> only_trial = std::nullopt);

// Full precision, raw bytes beside MiB. A row of csv holds hidden_layers and parameters as JSON text, an object of JSON
// as what they are.
std::vector<std::string> report_csv_columns();
std::vector<Value> report_csv_row(const ReportRow& row, const Figure& figure);
std::string report_json_object(const ReportRow& row, const Figure& figure);

}  // namespace memtrack
