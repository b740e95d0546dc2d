#include "storage/trial_rows.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "storage/bind.h"
#include "sweeps/schedule.h"

namespace memtrack {
namespace {

using nlohmann::json;

const std::string kSelectTrial =
    "SELECT t.trial_id, t.uid, t.sweep_id, s.uid, t.state, t.command, t.cwd, t.parameters, t.interval_ns, "
    "t.timeout_ns, t.memory_limit_bytes, coalesce(t.cgroup, ''), t.settle_ns, t.baseline_ns, s.method = 'attach', "
    "t.started_ns FROM trials t JOIN sweeps s USING (sweep_id) WHERE ";

Trial read_trial(SQLite::Statement& row) {
  const auto optional_int = [&](int column) {
    return row.getColumn(column).isNull() ? std::nullopt : std::optional(row.getColumn(column).getInt64());
  };
  return {.trial_id = row.getColumn(0).getInt64(),
          .uid = row.getColumn(1).getString(),
          .sweep_id = row.getColumn(2).getInt64(),
          .sweep_uid = row.getColumn(3).getString(),
          .state = parse_trial_state(row.getColumn(4).getString()),
          .command = json::parse(row.getColumn(5).getString()).get<std::vector<std::string>>(),
          .cwd = row.getColumn(6).getString(),
          .parameters_json = row.getColumn(7).getString(),
          .interval_ns = row.getColumn(8).getInt64(),
          .timeout_ns = optional_int(9),
          .memory_limit_bytes = optional_int(10),
          .cgroup = row.getColumn(11).getString(),
          .settle_ns = optional_int(12),
          .baseline_ns = optional_int(13),
          .is_attached = row.getColumn(14).getInt() != 0,
          .started_ns = optional_int(15)};
}

// The settings in force, as they are known before the trial begins.
std::string settings_json(const SweepSettings& settings) {
  json result = {{"interval", format_duration(settings.interval)},
                 {"repeats", settings.repeats},
                 {"order", settings.order == TrialOrder::shuffled ? "shuffled" : "listed"},
                 {"seed", settings.seed},
                 {"jobs", settings.jobs}};
  if (settings.timeout) {
    result["timeout"] = format_duration(*settings.timeout);
  }
  if (settings.memory_limit_bytes) {
    result["memory_limit"] = format_size(*settings.memory_limit_bytes);
  }
  if (settings.settle.count() > 0) {
    result["settle"] = format_duration(settings.settle);
  }
  if (settings.baseline.count() > 0) {
    result["baseline"] = format_duration(settings.baseline);
  }
  const auto add_unless_zero = [&](const char* name, std::int64_t value) {
    if (value != 0) {
      result[name] = value;
    }
  };
  add_unless_zero("warmup", settings.warmup);
  add_unless_zero("retries", settings.retries);
  add_unless_zero("priority", settings.priority);
  return result.dump();
}

// What another attempt has in common with the one before.
constexpr const char* kCommonColumns =
    "sweep_id, number, repeat, warmup, dataset, learning_rate, epochs, batch_size, hidden_layers, depth, hidden_nodes, "
    "parameter_count, reported_memory_mib, parameters, settings, command, cwd, interval_ns, timeout_ns, "
    "memory_limit_bytes, settle_ns, baseline_ns";

}  // namespace

std::vector<Trial> select_trials(SQLite::Database& handle, const std::string& condition,
                                 std::optional<std::int64_t> id) {
  SQLite::Statement select(handle, kSelectTrial + condition);
  if (id) {
    select.bind(1, *id);
  }
  std::vector<Trial> trials;
  while (select.executeStep()) {
    trials.push_back(read_trial(select));
  }
  return trials;
}

Trial find_trial_row(SQLite::Database& handle, std::int64_t trial_id, const std::filesystem::path& path) {
  std::vector<Trial> found = select_trials(handle, "t.trial_id = ?1", trial_id);
  if (found.empty()) {
    throw StorageError(
        fmt::format("there is no trial {} in {}; 'memtrack status' lists the sweeps", trial_id, path.string()), false);
  }
  return std::move(found.front());
}

TrialInserter::TrialInserter(SQLite::Database& handle, std::int64_t sweep_id, const SweepSettings& settings,
                             std::string state, std::string cwd)
    : insert_(handle,
              "INSERT INTO trials (uid, sweep_id, number, repeat, warmup, state, dataset, learning_rate, epochs, "
              "batch_size, hidden_layers, depth, hidden_nodes, parameter_count, reported_memory_mib, parameters, "
              "settings, command, cwd, interval_ns, timeout_ns, memory_limit_bytes, settle_ns, baseline_ns, queued_ns) "
              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      sweep_id_(sweep_id),
      settings_(settings),
      settings_json_(settings_json(settings)),
      state_(std::move(state)),
      cwd_(std::move(cwd)),
      queued_ns_(now_ns()) {}

void TrialInserter::insert(const TrialPlan& trial) {
  int index = 0;
  insert_.bind(++index, make_uid());
  insert_.bind(++index, sweep_id_);
  insert_.bind(++index, trial.number);
  insert_.bind(++index, trial.repeat);
  insert_.bind(++index, trial.is_warmup ? 1 : 0);
  insert_.bind(++index, state_);
  bind_columns(index, trial.columns);
  insert_.bind(++index, trial.parameters_json);
  insert_.bind(++index, settings_json_);
  insert_.bind(++index, json(trial.command).dump(-1, ' ', false, json::error_handler_t::replace));
  insert_.bind(++index, cwd_);
  bind_settings(index);
  insert_.bind(++index, queued_ns_);
  insert_.exec();
  insert_.reset();
}

void TrialInserter::bind_settings(int& index) {
  insert_.bind(++index, std::int64_t{settings_.interval.count()});
  bind_optional(insert_, ++index,
                settings_.timeout ? std::optional(std::int64_t{settings_.timeout->count()}) : std::nullopt);
  bind_optional(insert_, ++index, settings_.memory_limit_bytes);
  for (const std::chrono::nanoseconds idle : {settings_.settle, settings_.baseline}) {
    bind_optional(insert_, ++index, idle.count() > 0 ? std::optional(std::int64_t{idle.count()}) : std::nullopt);
  }
}

void TrialInserter::bind_columns(int& index, const TypedColumns& columns) {
  bind_optional(insert_, ++index, columns.dataset);
  bind_optional(insert_, ++index, columns.learning_rate);
  bind_optional(insert_, ++index, columns.epochs);
  bind_optional(insert_, ++index, columns.batch_size);
  if (const auto& layers = columns.hidden_layers) {
    insert_.bind(++index, json(*layers).dump());
    insert_.bind(++index, static_cast<std::int64_t>(layers->size()));
    insert_.bind(++index, std::accumulate(layers->begin(), layers->end(), std::int64_t{0}));
  } else {
    for (int i = 0; i < 3; ++i) {
      insert_.bind(++index);
    }
  }
  bind_optional(insert_, ++index, columns.parameter_count);
  bind_optional(insert_, ++index, columns.reported_memory_mib);
}

std::vector<std::int64_t> insert_attempts(SQLite::Database& handle, const std::vector<std::int64_t>& trial_ids,
                                          std::optional<std::int64_t> not_before_ns) {
  SQLite::Statement insert(
      handle, fmt::format("INSERT INTO trials ({0}, uid, attempt, retry_of, state, queued_ns, not_before_ns) "
                          "SELECT {0}, ?2, attempt + 1, trial_id, 'queued', ?3, ?4 FROM trials WHERE trial_id = ?1",
                          kCommonColumns));
  std::vector<std::int64_t> attempts;
  for (const std::int64_t trial_id : trial_ids) {
    insert.bind(1, trial_id);
    insert.bind(2, make_uid());
    insert.bind(3, now_ns());
    bind_optional(insert, 4, not_before_ns);
    insert.exec();
    insert.reset();
    attempts.push_back(handle.getLastInsertRowid());
  }
  return attempts;
}

void queue_retry_as_allowed(SQLite::Database& handle, std::int64_t trial_id) {
  SQLite::Statement select(handle,
                           "SELECT t.attempt FROM trials t JOIN sweeps s USING (sweep_id) WHERE t.trial_id = ? AND "
                           "t.state IN ('failed', 'lost') AND t.attempt <= s.retries");
  select.bind(1, trial_id);
  if (select.executeStep()) {
    const std::chrono::nanoseconds delay = retry_delay(select.getColumn(0).getInt64());
    insert_attempts(handle, {trial_id}, now_ns() + delay.count());
  }
}

}  // namespace memtrack
