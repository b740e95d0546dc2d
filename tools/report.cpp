#include "tools/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "storage/trial_store.h"
#include "tools/exit_codes.h"
#include "tools/values.h"

namespace memtrack {
namespace {

constexpr std::array kMetrics = std::to_array<ReportMetric>({
    {"used", "avg_used_bytes", "tick_count", "memory\nused\nMiB",
     "used_bytes, the whole system's total - free - buffers - cached", true},
    {"used_psutil", "avg_used_psutil_bytes", "tick_count", "used\n(psutil)\nMiB",
     "used_psutil_bytes, the whole system's total - free - buffers - cached - reclaimable slab, as in psutil 4.4 to "
     "7.0",
     true},
    {"used_available", "avg_used_available_bytes", "tick_count", "used\n(available)\nMiB",
     "used_available_bytes, the whole system's total - available", true},
    {"used_corrected", "avg_used_corrected_bytes", "used_corrected_count", "used\n(corrected)\nMiB",
     "used_corrected_bytes, psutil's form without free pages on per-CPU lists and with shared memory; read on ticks at "
     "least 1 s apart",
     true},
    {"tree_rss", "avg_tree_rss_bytes", "tick_count", "tree rss\nMiB",
     "tree_rss_bytes, resident memory of the trial's own process tree"},
    {"tree_rss_anon", "avg_tree_rss_anon_bytes", "tick_count", "tree rss\nanon MiB",
     "tree_rss_anon_bytes, anonymous resident memory of the trial's own process tree"},
    {"tree_pss", "avg_tree_pss_bytes", "tree_pss_count", "tree pss\nMiB",
     "tree_pss_bytes, proportional resident memory of the trial's own process tree"},
});

// trial_memory is asked by a range of ids, which SQLite carries into the view; ids of a sweep lie together.
constexpr const char* kSelectRows =
    "SELECT t.trial_id, t.number, t.repeat, t.attempt, t.state, t.reason, t.dataset, t.learning_rate, t.epochs, "
    "t.batch_size, t.hidden_layers, t.parameters, t.interval_ns, t.started_ns, t.ended_ns, t.reported_memory_mib, "
    "m.{average}, m.{count}, m.tick_count, m.avg_tree_rss_bytes, m.peak_rss_bytes, m.peak_source, "
    "(SELECT e.value FROM metrics e WHERE e.trial_id = t.trial_id AND e.name = 'test_accuracy' AND e.epoch IS NOT NULL "
    "ORDER BY e.epoch DESC, e.time_ns DESC LIMIT 1), "
    "(SELECT p.pss_skipped FROM trial_totals p WHERE p.trial_id = t.trial_id), t.system_shared "
    "FROM trials t JOIN (SELECT * FROM trial_memory WHERE trial_id BETWEEN ?2 AND ?3) m ON m.trial_id = t.trial_id "
    "WHERE t.sweep_id = ?1 AND NOT t.warmup ORDER BY t.number, t.repeat, t.attempt, t.trial_id";

ReportRow read_row(const std::vector<Value>& values) {
  std::size_t next = 0;
  const auto take = [&]() -> const Value& { return values.at(next++); };
  ReportRow row;
  row.trial_id = whole_of(take()).value();
  row.number = whole_of(take()).value();
  row.repeat = whole_of(take()).value();
  row.attempt = whole_of(take()).value();
  row.state = parse_trial_state(text_of(take()).value());
  row.reason = text_of(take()).value_or("");
  row.dataset = text_of(take());
  row.learning_rate = real_of(take());
  row.epochs = whole_of(take());
  row.batch_size = whole_of(take());
  row.hidden_layers = text_of(take());
  row.parameters = text_of(take()).value();
  row.interval_ns = whole_of(take()).value();
  row.started_ns = whole_of(take());
  row.ended_ns = whole_of(take());
  row.reported_memory_mib = real_of(take());
  row.average_bytes = real_of(take());
  row.average_count = whole_of(take()).value_or(0);
  row.tick_count = whole_of(take()).value_or(0);
  row.tree_rss_bytes = real_of(take());
  row.peak_rss_bytes = whole_of(take());
  row.peak_source = text_of(take());
  row.test_accuracy = real_of(take());
  row.pss_skipped = whole_of(take()).value_or(0);
  row.system_shared = whole_of(take()) == 1;
  return row;
}

std::optional<double> mib(std::optional<double> bytes) {
  return bytes ? std::optional(*bytes / (1024.0 * 1024.0)) : std::nullopt;
}

std::optional<double> as_double(std::optional<std::int64_t> number) {
  return number ? std::optional(static_cast<double>(*number)) : std::nullopt;
}

}  // namespace

std::span<const ReportMetric> report_metrics() {
  return kMetrics;
}

const ReportMetric& find_report_metric(std::string_view name) {
  const auto found = std::find_if(kMetrics.begin(), kMetrics.end(), [&](const auto& m) { return m.name == name; });
  if (found == kMetrics.end()) {
    std::string names;
    for (const ReportMetric& metric : kMetrics) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", metric.name);
    }
    throw UsageError(fmt::format("--metric is '{}', and would have to be one of {}", name, names));
  }
  return *found;
}

ReportSweep find_report_sweep(Database& database, const std::string& id_or_name) {
  const std::optional<std::int64_t> sweep_id = find_sweep(database, id_or_name);
  if (!sweep_id) {
    throw UsageError(
        id_or_name.empty()
            ? fmt::format("{} holds no sweep yet; 'memtrack sweep FILE' or 'memtrack run -- COMMAND' makes one",
                          database.path().string())
            : fmt::format("no sweep in {} has the id or name '{}'; 'memtrack status' lists them",
                          database.path().string(), id_or_name));
  }
  const ResultTable found = query(database, "SELECT name, method FROM sweeps WHERE sweep_id = ?1", {*sweep_id});
  return {*sweep_id, text_of(found.rows.at(0).at(0)).value(), text_of(found.rows.at(0).at(1)).value()};
}

void for_each_report_row(Database& database, std::int64_t sweep_id, const ReportMetric& metric,
                         const std::function<void(const ReportRow&)>& take) {
  const ResultTable range =
      query(database, "SELECT min(trial_id), max(trial_id) FROM trials WHERE sweep_id = ?1", {sweep_id});
  query_rows(
      database,
      fmt::format(fmt::runtime(kSelectRows), fmt::arg("average", metric.average), fmt::arg("count", metric.count)),
      {sweep_id, range.rows.at(0).at(0), range.rows.at(0).at(1)}, [](const std::vector<std::string>&) {},
      [&](const std::vector<Value>& values) { take(read_row(values)); });
}

std::vector<std::string> report_csv_columns() {
  return {"trial_id",
          "number",
          "repeat",
          "attempt",
          "state",
          "reason",
          "dataset",
          "learning_rate",
          "epochs",
          "batch_size",
          "hidden_layers",
          "parameters",
          "metric",
          "memory_bytes",
          "memory_mib",
          "memory_readings",
          "tick_count",
          "interval_ns",
          "reported_memory_mib",
          "tree_rss_bytes",
          "tree_rss_mib",
          "peak_rss_bytes",
          "peak_rss_mib",
          "peak_source",
          "test_accuracy",
          "system_shared"};
}

std::vector<Value> report_csv_row(const ReportRow& row, const ReportMetric& metric) {
  return {row.trial_id,
          row.number,
          row.repeat,
          row.attempt,
          std::string(to_string(row.state)),
          row.reason.empty() ? Value() : Value(row.reason),
          value_of(row.dataset),
          value_of(row.learning_rate),
          value_of(row.epochs),
          value_of(row.batch_size),
          value_of(row.hidden_layers),
          row.parameters,
          std::string(metric.name),
          value_of(row.average_bytes),
          value_of(mib(row.average_bytes)),
          row.average_count,
          row.tick_count,
          row.interval_ns,
          value_of(row.reported_memory_mib),
          value_of(row.tree_rss_bytes),
          value_of(mib(row.tree_rss_bytes)),
          value_of(row.peak_rss_bytes),
          value_of(mib(as_double(row.peak_rss_bytes))),
          value_of(row.peak_source),
          value_of(row.test_accuracy),
          std::int64_t{row.system_shared ? 1 : 0}};
}

std::string report_json_object(const ReportRow& row, const ReportMetric& metric) {
  using nlohmann::ordered_json;
  const std::vector<std::string> names = report_csv_columns();
  const std::vector<Value> values = report_csv_row(row, metric);
  ordered_json object;
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::visit(
        [&](const auto& held) {
          if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::monostate>) {
            object[names[i]] = nullptr;
          } else {
            object[names[i]] = held;
          }
        },
        values[i]);
  }
  for (const char* nested : {"hidden_layers", "parameters"}) {
    if (object[nested].is_string()) {
      object[nested] = ordered_json::parse(object[nested].get<std::string>());
    }
  }
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace memtrack
