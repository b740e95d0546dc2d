#include "storage/trial_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string_view>

#include "storage/bind.h"
#include "storage/sqlite_error.h"

namespace memtrack {
namespace {

using nlohmann::json;

// Runs `work` in a transaction of its own and returns what it returns.
template <typename Work>
auto in_transaction(Database& database, std::string_view doing, Work&& work) {
  return with_storage_errors(doing, database.path(), [&] {
    SQLite::Transaction transaction(database.handle(), SQLite::TransactionBehavior::IMMEDIATE);
    auto result = work(database.handle());
    transaction.commit();
    return result;
  });
}

struct NewSweep {
  std::string name, method, effective_method, config, overrides;
  std::uint64_t seed = 0;
  std::string state;
};

std::int64_t insert_sweep_row(SQLite::Database& handle, const NewSweep& sweep, const std::string& uid) {
  SQLite::Statement insert(handle,
                           "INSERT INTO sweeps (uid, name, method, effective_method, config, overrides, seed, state, "
                           "created_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  int index = 0;
  for (const std::string* text :
       {&uid, &sweep.name, &sweep.method, &sweep.effective_method, &sweep.config, &sweep.overrides}) {
    insert.bind(++index, *text);
  }
  insert.bind(++index, static_cast<std::int64_t>(sweep.seed));
  insert.bind(++index, sweep.state);
  insert.bind(++index, now_ns());
  insert.exec();
  return handle.getLastInsertRowid();
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
  if (settings.warmup > 0) {
    result["warmup"] = settings.warmup;
  }
  return result.dump();
}

// Inserts trials of one sweep, one after the other, with a statement that is compiled once.
class TrialInserter {
 public:
  TrialInserter(SQLite::Database& handle, std::int64_t sweep_id, std::string state, std::string cwd)
      : insert_(
            handle,
            "INSERT INTO trials (uid, sweep_id, number, repeat, warmup, state, dataset, learning_rate, epochs, "
            "batch_size, "
            "hidden_layers, depth, hidden_nodes, parameter_count, reported_memory_mib, parameters, settings, command, "
            "cwd, interval_ns, timeout_ns, memory_limit_bytes, settle_ns, baseline_ns, queued_ns) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        sweep_id_(sweep_id),
        state_(std::move(state)),
        cwd_(std::move(cwd)),
        queued_ns_(now_ns()) {}

  void insert(const TrialPlan& trial, const SweepSettings& settings, const std::string& uid) {
    int index = 0;
    insert_.bind(++index, uid);
    insert_.bind(++index, sweep_id_);
    insert_.bind(++index, trial.number);
    insert_.bind(++index, trial.repeat);
    insert_.bind(++index, trial.is_warmup ? 1 : 0);
    insert_.bind(++index, state_);
    bind_columns(index, trial.columns);
    insert_.bind(++index, trial.parameters_json);
    insert_.bind(++index, settings_json(settings));
    insert_.bind(++index, json(trial.command).dump(-1, ' ', false, json::error_handler_t::replace));
    insert_.bind(++index, cwd_);
    insert_.bind(++index, std::int64_t{settings.interval.count()});
    bind_optional(insert_, ++index,
                  settings.timeout ? std::optional(std::int64_t{settings.timeout->count()}) : std::nullopt);
    bind_optional(insert_, ++index, settings.memory_limit_bytes);
    for (const std::chrono::nanoseconds idle : {settings.settle, settings.baseline}) {
      bind_optional(insert_, ++index, idle.count() > 0 ? std::optional(std::int64_t{idle.count()}) : std::nullopt);
    }
    insert_.bind(++index, queued_ns_);
    insert_.exec();
    insert_.reset();
  }

 private:
  void bind_columns(int& index, const TypedColumns& columns) {
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

  SQLite::Statement insert_;
  std::int64_t sweep_id_;
  std::string state_;
  std::string cwd_;
  std::int64_t queued_ns_;
};

constexpr const char* kSelectTrial =
    "SELECT t.trial_id, t.uid, t.sweep_id, s.uid, t.state, t.command, t.cwd, t.parameters, t.interval_ns, "
    "t.timeout_ns, t.memory_limit_bytes, coalesce(t.cgroup, ''), t.settle_ns, t.baseline_ns, s.method = 'attach', "
    "t.started_ns FROM trials t JOIN sweeps s USING (sweep_id) ";

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

Trial find_trial_row(SQLite::Database& handle, std::int64_t trial_id, const std::filesystem::path& path) {
  SQLite::Statement select(handle, std::string(kSelectTrial) + "WHERE t.trial_id = ?");
  select.bind(1, trial_id);
  if (!select.executeStep()) {
    throw StorageError(
        fmt::format("there is no trial {} in {}; 'memtrack status' lists the sweeps", trial_id, path.string()), false);
  }
  return read_trial(select);
}

// A sweep of one trial that is `running` at once.
Trial insert_single(Database& database, const std::string& method, const std::string& name,
                    const std::vector<std::string>& command, const std::string& cwd, const SweepSettings& settings) {
  return in_transaction(database, "store the run", [&](SQLite::Database& handle) {
    const std::int64_t sweep_id = insert_sweep_row(handle,
                                                   {.name = name,
                                                    .method = method,
                                                    .effective_method = method,
                                                    .config = "",
                                                    .overrides = "{}",
                                                    .seed = 0,
                                                    .state = "running"},
                                                   make_uid());
    TrialInserter(handle, sweep_id, "running", cwd)
        .insert({.number = 1, .repeat = 1, .parameters_json = "{}", .command = command, .columns = {}}, settings,
                make_uid());
    return find_trial_row(handle, handle.getLastInsertRowid(), database.path());
  });
}

// Returns how many were cancelled.
std::int64_t cancel_queued(Database& database, std::string_view column, std::int64_t id) {
  return in_transaction(database, "cancel what is queued", [&](SQLite::Database& handle) {
    SQLite::Statement cancel(
        handle, fmt::format("UPDATE trials SET state = 'cancelled', reason = 'cancelled before it began', ended_ns = ? "
                            "WHERE {} = ? AND state = 'queued'",
                            column));
    cancel.bind(1, now_ns());
    cancel.bind(2, id);
    return std::int64_t{cancel.exec()};
  });
}

}  // namespace

std::vector<SubmittedSweep> insert_sweeps(
    Database& database, const std::vector<Sweep>& sweeps, const ExpansionContext& context, const std::string& cwd,
    const std::string& overrides_json, const std::function<void(const std::vector<SubmittedSweep>&)>& before_commit) {
  return in_transaction(database, "store the sweep", [&](SQLite::Database& handle) {
    std::vector<SubmittedSweep> submitted;
    for (const Sweep& sweep : sweeps) {
      SubmittedSweep entry{
          .sweep_id = 0, .uid = make_uid(), .name = sweep.name, .trial_count = 0, .warnings = sweep.warnings};
      entry.sweep_id = insert_sweep_row(handle,
                                        {.name = sweep.name,
                                         .method = sweep.method,
                                         .effective_method = sweep.effective_method,
                                         .config = sweep.config,
                                         .overrides = overrides_json,
                                         .seed = sweep.settings.seed,
                                         .state = "queued"},
                                        entry.uid);
      TrialInserter inserter(handle, entry.sweep_id, "queued", cwd);
      for_each_trial(sweep, context, [&](const TrialPlan& trial) {
        inserter.insert(trial, sweep.settings, make_uid());
        ++entry.trial_count;
      });
      submitted.push_back(std::move(entry));
    }
    if (before_commit) {
      before_commit(submitted);
    }
    return submitted;
  });
}

Trial insert_run(Database& database, const std::string& name, const std::vector<std::string>& command,
                 const std::string& cwd, std::chrono::nanoseconds interval,
                 std::optional<std::int64_t> memory_limit_bytes) {
  SweepSettings settings;
  settings.interval = interval;
  settings.memory_limit_bytes = memory_limit_bytes;
  return insert_single(database, "run", name, command, cwd, settings);
}

Trial insert_attached(Database& database, const std::string& name, const std::vector<std::string>& command,
                      const std::string& cwd, std::chrono::nanoseconds interval) {
  SweepSettings settings;
  settings.interval = interval;
  return insert_single(database, "attach", name, command, cwd, settings);
}

Trial find_trial(Database& database, std::int64_t trial_id) {
  return with_storage_errors("look up the trial", database.path(),
                             [&] { return find_trial_row(database.handle(), trial_id, database.path()); });
}

std::vector<Trial> running_trials(Database& database) {
  return with_storage_errors("list the running trials", database.path(), [&] {
    std::vector<Trial> trials;
    SQLite::Statement select(database.handle(),
                             std::string(kSelectTrial) + "WHERE t.state = 'running' ORDER BY t.trial_id");
    while (select.executeStep()) {
      trials.push_back(read_trial(select));
    }
    return trials;
  });
}

std::optional<Trial> claim_next_trial(Database& database, std::optional<std::int64_t> sweep_id) {
  return in_transaction(database, "claim the next trial", [&](SQLite::Database& handle) -> std::optional<Trial> {
    SQLite::Statement next(handle, sweep_id ? "SELECT min(trial_id) FROM trials WHERE state = 'queued' AND sweep_id = ?"
                                            : "SELECT min(trial_id) FROM trials WHERE state = 'queued'");
    if (sweep_id) {
      next.bind(1, *sweep_id);
    }
    if (!next.executeStep() || next.getColumn(0).isNull()) {
      return std::nullopt;
    }
    const std::int64_t trial_id = next.getColumn(0).getInt64();
    SQLite::Statement claim(handle, "UPDATE trials SET state = 'running' WHERE trial_id = ? AND state = 'queued'");
    claim.bind(1, trial_id);
    claim.exec();
    return find_trial_row(handle, trial_id, database.path());
  });
}

bool end_trial(Database& database, std::int64_t trial_id, TrialState state, const std::string& reason) {
  return in_transaction(database, "end the trial", [&](SQLite::Database& handle) {
    SQLite::Statement end(
        handle, "UPDATE trials SET state = ?, reason = ?, ended_ns = ? WHERE trial_id = ? AND state = 'running'");
    end.bind(1, std::string(to_string(state)));
    end.bind(2, reason);
    end.bind(3, now_ns());
    end.bind(4, trial_id);
    return end.exec() == 1;
  });
}

bool requeue_trial(Database& database, std::int64_t trial_id) {
  return in_transaction(database, "put the trial back", [&](SQLite::Database& handle) {
    SQLite::Statement requeue(
        handle, "UPDATE trials SET state = 'queued' WHERE trial_id = ? AND state = 'running' AND started_ns IS NULL");
    requeue.bind(1, trial_id);
    if (requeue.exec() != 1) {
      return false;
    }
    // A baseline may have been taken already: it will be taken anew.
    for (const char* table : {"samples", "memory_totals", "trial_totals"}) {
      SQLite::Statement forget(handle, fmt::format("DELETE FROM {} WHERE trial_id = ?", table));
      forget.bind(1, trial_id);
      forget.exec();
    }
    return true;
  });
}

std::int64_t cancel_queued_trials(Database& database, std::int64_t sweep_id) {
  return cancel_queued(database, "sweep_id", sweep_id);
}

bool cancel_queued_trial(Database& database, std::int64_t trial_id) {
  return cancel_queued(database, "trial_id", trial_id) == 1;
}

std::optional<std::int64_t> find_sweep(Database& database, const std::string& id_or_name) {
  return with_storage_errors("look up the sweep", database.path(), [&]() -> std::optional<std::int64_t> {
    // An id wins over a name that looks like one.
    SQLite::Statement select(database.handle(),
                             "SELECT sweep_id FROM sweeps WHERE ?1 = '' OR CAST(sweep_id AS TEXT) = ?1 OR name = ?1 "
                             "ORDER BY CAST(sweep_id AS TEXT) = ?1 DESC, sweep_id DESC LIMIT 1");
    select.bind(1, id_or_name);
    return select.executeStep() ? std::optional(select.getColumn(0).getInt64()) : std::nullopt;
  });
}

std::int64_t count_unfinished_trials(Database& database, std::optional<std::int64_t> sweep_id) {
  return with_storage_errors("count the trials", database.path(), [&] {
    SQLite::Statement count(database.handle(),
                            sweep_id
                                ? "SELECT count(*) FROM trials WHERE state IN ('queued', 'running') AND sweep_id = ?"
                                : "SELECT count(*) FROM trials WHERE state IN ('queued', 'running')");
    if (sweep_id) {
      count.bind(1, *sweep_id);
    }
    count.executeStep();
    return std::int64_t{count.getColumn(0).getInt64()};
  });
}

}  // namespace memtrack
