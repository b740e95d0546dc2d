#include "tools/report/rows.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "storage/trial_store.h"
#include "tools/exit_codes.h"
#include "tools/values.h"

namespace memtrack {
namespace {

// The views are asked by a range of ids, which SQLite carries into them; ids of a sweep lie together.
constexpr const char* kSelectRows =
    "SELECT t.trial_id, t.number, t.repeat, t.attempt, t.state, t.reason, t.dataset, t.learning_rate, t.epochs, "
    "t.batch_size, t.hidden_layers, t.depth, t.hidden_nodes, t.parameter_count, t.parameters, t.interval_ns, "
    "t.settings ->> '$.order', t.system_shared, t.started_ns, t.ended_ns, t.reported_memory_mib, "
    "{value}, {count}, {source}, {baseline}, {totals}.tick_count, {totals}.avg_tree_rss_bytes, m.peak_rss_bytes, "
    "m.peak_source, "
    "(SELECT e.value FROM metrics e WHERE e.trial_id = t.trial_id AND e.name = 'test_accuracy' AND e.epoch IS NOT NULL "
    "ORDER BY e.epoch DESC, e.time_ns DESC LIMIT 1), "
    "(SELECT p.pss_skipped FROM trial_totals p WHERE p.trial_id = t.trial_id) "
    "FROM trials t JOIN (SELECT * FROM trial_memory WHERE trial_id BETWEEN ?2 AND ?3) m ON m.trial_id = t.trial_id "
    "{phase}"
    "WHERE t.sweep_id = ?1 AND t.trial_id BETWEEN ?2 AND ?3 AND NOT t.warmup AND t.trial_id NOT IN "
    "(SELECT retry_of FROM trials WHERE sweep_id = ?1 AND retry_of IS NOT NULL) "
    "ORDER BY t.number, t.repeat, t.attempt, t.trial_id";

constexpr const char* kJoinPhase =
    "LEFT JOIN (SELECT * FROM phase_memory WHERE phase = ?4 AND trial_id BETWEEN ?2 AND ?3) f "
    "ON f.trial_id = t.trial_id ";

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
  row.depth = whole_of(take());
  row.hidden_nodes = whole_of(take());
  row.parameter_count = whole_of(take());
  row.parameters = text_of(take()).value();
  row.interval_ns = whole_of(take()).value();
  row.order = text_of(take()).value_or("");
  row.system_shared = whole_of(take()) == 1;
  row.started_ns = whole_of(take());
  row.ended_ns = whole_of(take());
  row.reported_memory_mib = real_of(take());
  row.memory_bytes = real_of(take());
  row.memory_count = whole_of(take()).value_or(0);
  row.memory_source = row.memory_bytes ? text_of(take()) : (take(), std::nullopt);
  row.baseline_bytes = real_of(take());
  row.tick_count = whole_of(take()).value_or(0);
  row.tree_rss_bytes = real_of(take());
  row.peak_rss_bytes = whole_of(take());
  row.peak_source = text_of(take());
  row.test_accuracy = real_of(take());
  row.pss_skipped = whole_of(take()).value_or(0);
  return row;
}

std::optional<double> mib(std::optional<double> bytes) {
  return bytes ? std::optional(*bytes / (1024.0 * 1024.0)) : std::nullopt;
}

std::optional<double> as_double(std::optional<std::int64_t> number) {
  return number ? std::optional(static_cast<double>(*number)) : std::nullopt;
}

}  // namespace

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

std::vector<std::string> report_phases(Database& database, std::int64_t sweep_id) {
  const ResultTable found = query(database,
                                  "SELECT DISTINCT m.phase FROM memory_totals m JOIN trials t ON t.trial_id = "
                                  "m.trial_id WHERE t.sweep_id = ?1 AND m.phase <> '' ORDER BY m.phase",
                                  {sweep_id});
  std::vector<std::string> phases;
  for (const auto& row : found.rows) phases.push_back(text_of(row.at(0)).value());
  return phases;
}

void for_each_report_row(Database& database, std::int64_t sweep_id, const Figure& figure,
                         const std::function<void(const ReportRow&)>& take, std::optional<std::int64_t> only_trial) {
  const ResultTable range =
      query(database, "SELECT min(trial_id), max(trial_id) FROM trials WHERE sweep_id = ?1", {sweep_id});
  std::vector<Value> parameters = {sweep_id, only_trial ? Value(*only_trial) : range.rows.at(0).at(0),
                                   only_trial ? Value(*only_trial) : range.rows.at(0).at(1)};
  if (figure.phase) parameters.emplace_back(*figure.phase);
  const FigureSql sql = figure_sql(figure);
  query_rows(
      database,
      fmt::format(fmt::runtime(kSelectRows), fmt::arg("value", sql.value), fmt::arg("count", sql.count),
                  fmt::arg("source", sql.source), fmt::arg("baseline", sql.baseline),
                  fmt::arg("totals", figure.phase ? "f" : "m"), fmt::arg("phase", figure.phase ? kJoinPhase : "")),
      parameters, [](const std::vector<std::string>&) {},
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
          "system_shared",
          "statistic",
          "phase",
          "memory_source",
          "baseline_bytes"};
}

std::vector<Value> report_csv_row(const ReportRow& row, const Figure& figure) {
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
          std::string(figure.metric.name),
          value_of(row.memory_bytes),
          value_of(mib(row.memory_bytes)),
          row.memory_count,
          row.tick_count,
          row.interval_ns,
          value_of(row.reported_memory_mib),
          value_of(row.tree_rss_bytes),
          value_of(mib(row.tree_rss_bytes)),
          value_of(row.peak_rss_bytes),
          value_of(mib(as_double(row.peak_rss_bytes))),
          value_of(row.peak_source),
          value_of(row.test_accuracy),
          std::int64_t{row.system_shared ? 1 : 0},
          std::string(to_string(figure.statistic)),
          value_of(figure.phase),
          value_of(row.memory_source),
          value_of(row.baseline_bytes)};
}

std::string report_json_object(const ReportRow& row, const Figure& figure) {
  using nlohmann::ordered_json;
  const std::vector<std::string> names = report_csv_columns();
  const std::vector<Value> values = report_csv_row(row, figure);
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
