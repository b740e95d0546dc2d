#include "storage/trial_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "storage/bind.h"
#include "storage/transaction.h"
#include "storage/trial_rows.h"
#include "sweeps/schedule.h"

namespace memtrack {
namespace {

// Of a transaction of 100,000 rows; with SQLite's 2 MiB its pages would be written and read again and again.
constexpr const char* kLargeCache = "PRAGMA cache_size = -65536";  // KiB

struct NewSweep {
  std::string name, method, effective_method, config, overrides;
  std::string state;
  SweepSettings settings;
  std::optional<std::int64_t> next_number;
};

std::int64_t insert_sweep_row(SQLite::Database& handle, const NewSweep& sweep, const std::string& uid) {
  SQLite::Statement insert(handle,
                           "INSERT INTO sweeps (uid, name, method, effective_method, config, overrides, seed, state, "
                           "created_ns, jobs, retries, priority, next_number) "
                           "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  int index = 0;
  for (const std::string* text :
       {&uid, &sweep.name, &sweep.method, &sweep.effective_method, &sweep.config, &sweep.overrides}) {
    insert.bind(++index, *text);
  }
  insert.bind(++index, static_cast<std::int64_t>(sweep.settings.seed));
  insert.bind(++index, sweep.state);
  for (const std::int64_t number : {now_ns(), sweep.settings.jobs, sweep.settings.retries, sweep.settings.priority}) {
    insert.bind(++index, number);
  }
  bind_optional(insert, ++index, sweep.next_number);
  insert.exec();
  return handle.getLastInsertRowid();
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
                                                    .state = "running",
                                                    .settings = settings,
                                                    .next_number = {}},
                                                   make_uid());
    TrialInserter(handle, sweep_id, settings, "running", cwd)
        .insert({.number = 1, .repeat = 1, .parameters_json = "{}", .command = command, .columns = {}});
    return find_trial_row(handle, handle.getLastInsertRowid(), database.path());
  });
}

// `uid` is not here yet.
SubmittedSweep insert_sweep(SQLite::Database& handle, const Sweep& sweep, const ExpansionContext& context,
                            const std::string& cwd, const std::string& overrides_json, const std::string& uid) {
  SubmittedSweep entry{.sweep_id = 0,
                       .uid = uid,
                       .name = sweep.name,
                       .trial_count = 0,
                       .is_open_ended = sweep.is_open_ended,
                       .warnings = sweep.warnings};
  const std::int64_t drawn = sweep.is_open_ended ? trials_to_draw(0, sweep.settings.jobs) : 0;
  entry.sweep_id = insert_sweep_row(handle,
                                    {.name = sweep.name,
                                     .method = sweep.method,
                                     .effective_method = sweep.effective_method,
                                     .config = sweep.config,
                                     .overrides = overrides_json,
                                     .state = "queued",
                                     .settings = sweep.settings,
                                     .next_number = sweep.is_open_ended ? std::optional(drawn + 1) : std::nullopt},
                                    entry.uid);
  TrialInserter inserter(handle, entry.sweep_id, sweep.settings, "queued", cwd);
  const auto insert = [&](const TrialPlan& trial) {
    inserter.insert(trial);
    ++entry.trial_count;
  };
  if (sweep.is_open_ended) {
    for_each_drawn_trial(sweep, context, 1, drawn, insert);
  } else {
    for_each_trial(sweep, context, insert);
  }
  return entry;
}

std::optional<std::int64_t> find_sweep_by_uid(SQLite::Database& handle, const std::string& uid) {
  SQLite::Statement select(handle, "SELECT sweep_id FROM sweeps WHERE uid = ?");
  select.bind(1, uid);
  return select.executeStep() ? std::optional(select.getColumn(0).getInt64()) : std::nullopt;
}

using TrialPlace = std::tuple<std::int64_t, std::int64_t, bool>;  // number, repeat, is a warm-up

std::set<TrialPlace> places_of_trials(SQLite::Database& handle, std::int64_t sweep_id) {
  SQLite::Statement select(handle, "SELECT number, repeat, warmup FROM trials WHERE sweep_id = ?");
  select.bind(1, sweep_id);
  std::set<TrialPlace> places;
  while (select.executeStep()) {
    places.emplace(select.getColumn(0).getInt64(), select.getColumn(1).getInt64(), select.getColumn(2).getInt() != 0);
  }
  return places;
}

// What an earlier run of the same share, or another share, has left here is not queued once more.
SubmittedSweep complete_sweep(SQLite::Database& handle, std::int64_t sweep_id, const Sweep& sweep,
                              const ExpansionContext& context, const std::string& cwd, const std::string& uid) {
  const std::set<TrialPlace> there = places_of_trials(handle, sweep_id);
  TrialInserter inserter(handle, sweep_id, sweep.settings, "queued", cwd);
  for_each_trial(sweep, context, [&](const TrialPlan& trial) {
    if (!there.contains({trial.number, trial.repeat, trial.is_warmup})) inserter.insert(trial);
  });
  handle.exec(
      fmt::format("UPDATE sweeps SET state = (SELECT f.state FROM sweep_states f WHERE f.sweep_id = {0}) "
                  "WHERE sweep_id = {0}",
                  sweep_id));
  const std::string queued =
      fmt::format("SELECT count(*) FROM trials WHERE sweep_id = {} AND state = 'queued'", sweep_id);
  return {.sweep_id = sweep_id,
          .uid = uid,
          .name = sweep.name,
          .trial_count = handle.execAndGet(queued).getInt64(),
          .warnings = sweep.warnings};
}

}  // namespace

std::vector<SubmittedSweep> insert_sweeps(
    Database& database, const std::vector<Sweep>& sweeps, const ExpansionContext& context, const std::string& cwd,
    const std::string& overrides_json, const std::function<void(const std::vector<SubmittedSweep>&)>& before_commit) {
  return in_transaction(database, "store the sweep", [&](SQLite::Database& handle) {
    handle.exec(kLargeCache);
    std::vector<SubmittedSweep> submitted;
    for (const Sweep& sweep : sweeps) {
      const std::string uid =
          context.share ? fmt::format("{}-{}", context.share->submission_uid, submitted.size() + 1) : make_uid();
      const auto known = context.share ? find_sweep_by_uid(handle, uid) : std::nullopt;
      submitted.push_back(known ? complete_sweep(handle, *known, sweep, context, cwd, uid)
                                : insert_sweep(handle, sweep, context, cwd, overrides_json, uid));
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
    return select_trials(database.handle(), "t.state = 'running' ORDER BY t.trial_id");
  });
}

bool end_trial(Database& database, std::int64_t trial_id, TrialState state, const std::string& reason) {
  return in_transaction(database, "end the trial", [&](SQLite::Database& handle) {
    SQLite::Statement end(
        handle,
        // The clock may have been set back since: no trial ends before its last sample.
        "UPDATE trials SET state = ?, reason = ?, ended_ns = max(?, coalesce(started_ns, 0), coalesce((SELECT "
        "max(s.time_ns) FROM samples s WHERE s.trial_id = trials.trial_id), 0)) WHERE trial_id = ? AND state = "
        "'running'");
    end.bind(1, std::string(to_string(state)));
    end.bind(2, reason);
    end.bind(3, now_ns());
    end.bind(4, trial_id);
    if (end.exec() != 1) {
      return false;
    }
    queue_retry_as_allowed(handle, trial_id);
    return true;
  });
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

}  // namespace memtrack
