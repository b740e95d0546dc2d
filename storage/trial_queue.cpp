#include "storage/trial_queue.h"

#include <fmt/format.h>

#include <string_view>

#include "storage/bind.h"
#include "storage/transaction.h"
#include "storage/trial_rows.h"
#include "sweeps/schedule.h"

namespace memtrack {
namespace {

// ?1: now, ?2: one sweep or NULL. A trial that would wait longer than any does was queued by a clock that has been set
// back since.
const std::string kQueuedSweeps = fmt::format(
    "SELECT s.sweep_id, s.priority, s.jobs, "
    "(SELECT t.trial_id FROM trials t WHERE t.sweep_id = s.sweep_id AND t.state = 'queued' AND "
    " (t.not_before_ns IS NULL OR t.not_before_ns NOT BETWEEN ?1 + 1 AND ?1 + {0}) ORDER BY t.trial_id LIMIT 1), "
    "(SELECT min(t.not_before_ns) FROM trials t WHERE t.sweep_id = s.sweep_id AND t.state = 'queued' AND "
    " t.not_before_ns BETWEEN ?1 + 1 AND ?1 + {0}) "
    "FROM sweeps s WHERE s.state IN ('queued', 'running') AND s.method NOT IN ('run', 'attach') AND NOT s.paused AND "
    "(?2 IS NULL OR s.sweep_id = ?2)",
    std::chrono::nanoseconds(retry_delay(1'000'000)).count());

std::optional<std::int64_t> optional_number(const SQLite::Column& column) {
  return column.isNull() ? std::nullopt : std::optional(column.getInt64());
}

std::vector<QueuedSweep> queued_sweeps(SQLite::Database& handle, std::optional<std::int64_t> sweep_id) {
  SQLite::Statement select(handle, kQueuedSweeps);
  select.bind(1, now_ns());
  bind_optional(select, 2, sweep_id);
  std::vector<QueuedSweep> sweeps;
  while (select.executeStep()) {
    sweeps.push_back({.sweep_id = select.getColumn(0).getInt64(),
                      .priority = select.getColumn(1).getInt64(),
                      .jobs = select.getColumn(2).getInt64(),
                      .first_trial_id = optional_number(select.getColumn(3)),
                      .next_due_ns = optional_number(select.getColumn(4))});
  }
  return sweeps;
}

std::vector<std::int64_t> ids(SQLite::Database& handle, const std::string& sql, std::optional<std::int64_t> of) {
  SQLite::Statement select(handle, sql);
  if (of) {
    select.bind(1, *of);
  }
  std::vector<std::int64_t> found;
  while (select.executeStep()) {
    found.push_back(select.getColumn(0).getInt64());
  }
  return found;
}

// Returns how many were cancelled.
std::int64_t cancel_queued(SQLite::Database& handle, std::string_view column, std::int64_t id) {
  SQLite::Statement cancel(
      handle, fmt::format("UPDATE trials SET state = 'cancelled', reason = 'cancelled before it began', ended_ns = ? "
                          "WHERE {} = ? AND state = 'queued'",
                          column));
  cancel.bind(1, now_ns());
  cancel.bind(2, id);
  return std::int64_t{cancel.exec()};
}

void refuse_foreground(SQLite::Database& handle, std::int64_t sweep_id) {
  SQLite::Statement select(handle, "SELECT method FROM sweeps WHERE sweep_id = ? AND method IN ('run', 'attach')");
  select.bind(1, sweep_id);
  if (select.executeStep()) {
    throw RetryRefused(
        fmt::format("sweep {0} is a 'memtrack {1}', which only its caller can start; call 'memtrack {1}' "
                    "again",
                    sweep_id, select.getColumn(0).getString()));
  }
}

void refuse_unless_to_be_retried(SQLite::Database& handle, const Trial& trial) {
  refuse_foreground(handle, trial.sweep_id);
  if (!is_final(trial.state) || trial.state == TrialState::done) {
    throw RetryRefused(fmt::format("trial {} is {}, and would have to be over without being done, to be retried",
                                   trial.trial_id, to_string(trial.state)));
  }
  const auto next = ids(handle, "SELECT trial_id FROM trials WHERE retry_of = ?", trial.trial_id);
  if (!next.empty()) {
    throw RetryRefused(fmt::format("trial {} has been retried already, as trial {}", trial.trial_id, next.front()));
  }
}

}  // namespace

Claim claim_next_trial(Database& database, std::optional<std::int64_t> sweep_id) {
  return in_transaction(database, "claim the next trial", [&](SQLite::Database& handle) {
    const std::vector<QueuedSweep> queued = queued_sweeps(handle, sweep_id);
    const std::vector<std::int64_t> running =
        ids(handle,
            "SELECT t.sweep_id FROM trials t JOIN sweeps s USING (sweep_id) WHERE t.state = 'running' AND s.method NOT "
            "IN ('run', 'attach')",
            std::nullopt);
    const Decision decision = decide(queued, running);
    Claim claim{.trial = {}, .due_ns = decision.due_ns, .work_left = !queued.empty()};
    if (decision.trial_id) {
      SQLite::Statement update(handle, "UPDATE trials SET state = 'running' WHERE trial_id = ? AND state = 'queued'");
      update.bind(1, *decision.trial_id);
      update.exec();
      claim.trial = find_trial_row(handle, *decision.trial_id, database.path());
    }
    return claim;
  });
}

bool requeue_trial(Database& database, std::int64_t trial_id) {
  return in_transaction(database, "put the trial back", [&](SQLite::Database& handle) {
    SQLite::Statement requeue(handle,
                              "UPDATE trials SET state = 'queued', system_shared = 0 WHERE trial_id = ? AND state = "
                              "'running' AND started_ns IS NULL");
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
  return in_transaction(database, "cancel what is queued", [&](SQLite::Database& handle) {
    SQLite::Statement close(handle, "UPDATE sweeps SET next_number = NULL, retries = 0 WHERE sweep_id = ?");
    close.bind(1, sweep_id);
    close.exec();
    return cancel_queued(handle, "sweep_id", sweep_id);
  });
}

bool cancel_queued_trial(Database& database, std::int64_t trial_id) {
  return in_transaction(database, "cancel what is queued",
                        [&](SQLite::Database& handle) { return cancel_queued(handle, "trial_id", trial_id) == 1; });
}

std::vector<std::int64_t> retry_failed_trials(Database& database, std::int64_t sweep_id) {
  return in_transaction(database, "retry what failed", [&](SQLite::Database& handle) {
    refuse_foreground(handle, sweep_id);
    const std::vector<std::int64_t> failed =
        ids(handle,
            "SELECT t.trial_id FROM trials t WHERE t.sweep_id = ? AND t.state IN ('failed', 'oom_killed', 'timed_out', "
            "'lost') AND NOT EXISTS (SELECT 1 FROM trials r WHERE r.retry_of = t.trial_id) ORDER BY t.trial_id",
            sweep_id);
    return insert_attempts(handle, failed, std::nullopt);
  });
}

std::int64_t retry_trial(Database& database, std::int64_t trial_id) {
  return in_transaction(database, "retry the trial", [&](SQLite::Database& handle) {
    refuse_unless_to_be_retried(handle, find_trial_row(handle, trial_id, database.path()));
    return insert_attempts(handle, {trial_id}, std::nullopt).front();
  });
}

bool pause_sweep(Database& database, std::int64_t sweep_id, bool paused) {
  return in_transaction(database, paused ? "pause the sweep" : "resume the sweep", [&](SQLite::Database& handle) {
    SQLite::Statement update(handle, "UPDATE sweeps SET paused = ? WHERE sweep_id = ?");
    update.bind(1, paused ? 1 : 0);
    update.bind(2, sweep_id);
    return update.exec() == 1;
  });
}

std::vector<OpenSweep> sweeps_to_draw(Database& database, std::optional<std::int64_t> sweep_id) {
  return with_storage_errors("look for what is to be drawn", database.path(), [&] {
    SQLite::Statement select(database.handle(),
                             "SELECT sweep_id, jobs, (SELECT count(*) FROM trials t WHERE t.sweep_id = s.sweep_id AND "
                             "t.state = 'queued') FROM sweeps s WHERE next_number IS NOT NULL AND NOT paused AND (?1 "
                             "IS NULL OR sweep_id = ?1) ORDER BY sweep_id");
    bind_optional(select, 1, sweep_id);
    std::vector<OpenSweep> sweeps;
    while (select.executeStep()) {
      OpenSweep sweep{.sweep_id = select.getColumn(0).getInt64(),
                      .jobs = select.getColumn(1).getInt64(),
                      .queued = select.getColumn(2).getInt64()};
      if (trials_to_draw(sweep.queued, sweep.jobs) > 0) {
        sweeps.push_back(std::move(sweep));
      }
    }
    return sweeps;
  });
}

std::optional<OpenSweep> find_open_sweep(Database& database, std::int64_t sweep_id) {
  return with_storage_errors("look up the sweep", database.path(), [&]() -> std::optional<OpenSweep> {
    SQLite::Statement select(database.handle(),
                             "SELECT jobs, config, overrides, (SELECT cwd FROM trials t WHERE t.sweep_id = s.sweep_id "
                             "LIMIT 1) FROM sweeps s WHERE sweep_id = ? AND next_number IS NOT NULL");
    select.bind(1, sweep_id);
    if (!select.executeStep()) {
      return std::nullopt;
    }
    return OpenSweep{.sweep_id = sweep_id,
                     .jobs = select.getColumn(0).getInt64(),
                     .config = select.getColumn(1).getString(),
                     .overrides_json = select.getColumn(2).getString(),
                     .cwd = select.getColumn(3).getString()};
  });
}

void close_open_sweep(Database& database, std::int64_t sweep_id) {
  in_transaction(database, "end the drawing of trials", [&](SQLite::Database& handle) {
    SQLite::Statement close(handle, "UPDATE sweeps SET next_number = NULL WHERE sweep_id = ?");
    close.bind(1, sweep_id);
    return close.exec();
  });
}

std::int64_t insert_drawn_trials(Database& database, const OpenSweep& open, const Sweep& sweep,
                                 const ExpansionContext& context) {
  return in_transaction(database, "draw trials", [&](SQLite::Database& handle) -> std::int64_t {
    SQLite::Statement select(handle,
                             "SELECT next_number, (SELECT count(*) FROM trials t WHERE t.sweep_id = s.sweep_id AND "
                             "t.state = 'queued') FROM sweeps s WHERE sweep_id = ? AND next_number IS NOT NULL");
    select.bind(1, open.sweep_id);
    if (!select.executeStep()) {
      return 0;  // cancelled meanwhile
    }
    const std::int64_t first = select.getColumn(0).getInt64();
    const std::int64_t count = trials_to_draw(select.getColumn(1).getInt64(), open.jobs);
    TrialInserter inserter(handle, open.sweep_id, sweep.settings, "queued", open.cwd);
    for_each_drawn_trial(sweep, context, first, count, [&](const TrialPlan& trial) { inserter.insert(trial); });
    SQLite::Statement update(handle, "UPDATE sweeps SET next_number = ? WHERE sweep_id = ?");
    update.bind(1, first + count);
    update.bind(2, open.sweep_id);
    update.exec();
    return count;
  });
}

}  // namespace memtrack
