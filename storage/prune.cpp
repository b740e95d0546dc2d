#include "storage/prune.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "storage/short_transactions.h"
#include "storage/sqlite_error.h"

namespace memtrack {
namespace {

constexpr std::int64_t kRowsAtOnce = 10'000;

// ?1: the time before which they ended. Only those of which something is left.
constexpr const char* kPrunable =
    "SELECT t.trial_id FROM trials t WHERE t.state NOT IN ('queued', 'running') AND t.ended_ns < ?1 AND (EXISTS "
    "(SELECT "
    "1 FROM samples s WHERE s.trial_id = t.trial_id) OR EXISTS (SELECT 1 FROM processes p WHERE p.trial_id = "
    "t.trial_id)) ORDER BY t.trial_id";

std::vector<std::int64_t> prunable_trials(SQLite::Database& handle, std::int64_t ended_before_ns) {
  SQLite::Statement select(handle, kPrunable);
  select.bind(1, ended_before_ns);
  std::vector<std::int64_t> trials;
  while (select.executeStep()) trials.push_back(select.getColumn(0).getInt64());
  return trials;
}

std::int64_t count_rows(SQLite::Database& handle, const std::string& table, std::int64_t ended_before_ns) {
  SQLite::Statement select(handle,
                           "SELECT count(*) FROM " + table + " WHERE trial_id IN (" + std::string(kPrunable) + ")");
  select.bind(1, ended_before_ns);
  select.executeStep();
  return select.getColumn(0).getInt64();
}

// Deletes the first rows of a trial in a table whose key goes on with `order`.
class Pruner {
 public:
  Pruner(SQLite::Database& handle, const std::string& table, const std::string& order)
      : delete_(handle, "DELETE FROM " + table + " WHERE trial_id = ?1 AND " + order + " <= coalesce((SELECT " + order +
                            " FROM " + table + " WHERE trial_id = ?1 ORDER BY " + order + " LIMIT 1 OFFSET ?2), ?3)") {}

  // Returns how many; less than kRowsAtOnce: nothing is left.
  std::int64_t run(std::int64_t trial_id) {
    delete_.bind(1, trial_id);
    delete_.bind(2, kRowsAtOnce - 1);
    delete_.bind(3, std::numeric_limits<std::int64_t>::max());
    const int rows = delete_.exec();
    delete_.reset();
    return rows;
  }

 private:
  SQLite::Statement delete_;
};

}  // namespace

PruneCount count_prunable(Database& database, std::int64_t ended_before_ns) {
  return with_storage_errors("count what would be deleted", database.path(), [&] {
    SQLite::Database& handle = database.handle();
    return PruneCount{
        .trials = static_cast<std::int64_t>(prunable_trials(handle, ended_before_ns).size()),
        .samples = count_rows(handle, "samples", ended_before_ns),
        .process_rows = count_rows(handle, "process_readings", ended_before_ns),
    };
  });
}

PruneCount prune_samples(Database& database, std::int64_t ended_before_ns,
                         const std::function<void(std::int64_t, std::int64_t)>& on_progress) {
  constexpr const char* kDoing = "delete old samples";
  return with_storage_errors(kDoing, database.path(), [&] {
    const std::vector<std::int64_t> trials = prunable_trials(database.handle(), ended_before_ns);
    Pruner samples(database.handle(), "samples", "time_ns");
    Pruner readings(database.handle(), "process_readings", "time_ns");
    Pruner processes(database.handle(), "processes", "process");
    PruneCount pruned;
    if (trials.empty()) return pruned;
    in_short_transactions(database, kDoing, [&] {
      const auto done = static_cast<std::size_t>(pruned.trials);
      if (on_progress) on_progress(pruned.trials, static_cast<std::int64_t>(trials.size()));
      const std::int64_t sample_rows = samples.run(trials[done]), reading_rows = readings.run(trials[done]);
      pruned.samples += sample_rows;
      pruned.process_rows += reading_rows;
      const bool is_empty = std::max(sample_rows, reading_rows) < kRowsAtOnce;
      if (is_empty && processes.run(trials[done]) < kRowsAtOnce) ++pruned.trials;
      return static_cast<std::size_t>(pruned.trials) < trials.size();
    });
    return pruned;
  });
}

}  // namespace memtrack
