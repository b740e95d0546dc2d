#include "storage/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/file_system.h"
#include "storage/merge_source.h"
#include "storage/short_transactions.h"
#include "storage/sqlite_error.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

// What a trial consists of beside its row, and the id by which rows are ordered that have one of their own.
struct Part {
  const char* table;
  const char* own_id = "";
};
constexpr std::array<Part, 8> kParts = {{{"samples"},
                                         {"processes"},
                                         {"process_readings"},
                                         {"memory_totals"},
                                         {"trial_totals"},
                                         {"phases"},
                                         {"events", "event_id"},
                                         {"metrics", "metric_id"}}};

constexpr const char* kEnded = "state NOT IN ('queued', 'running')";

using Expressions = std::map<std::string, std::string>;

// The stored columns of a table but one, and what each is filled with: itself, or what `special` says.
struct ColumnLists {
  std::string names;
  std::string values;
};
ColumnLists column_lists(SQLite::Database& handle, const std::string& table, const std::string& left_out,
                         const Expressions& special = {}) {
  SQLite::Statement select(handle, "SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE hidden = 0 AND name <> ?2");
  select.bind(1, table);
  select.bind(2, left_out);
  std::vector<std::string> names, values;
  while (select.executeStep()) {
    names.push_back(select.getColumn(0).getString());
    const auto found = special.find(names.back());
    values.push_back(found == special.end() ? "o." + names.back() : found->second);
  }
  return {fmt::format("{}", fmt::join(names, ", ")), fmt::format("{}", fmt::join(values, ", "))};
}

std::string host_sql(SQLite::Database& handle) {
  const ColumnLists columns = column_lists(handle, "hosts", "host_id");
  return fmt::format(
      "INSERT INTO main.hosts ({}) SELECT {} FROM other.hosts o JOIN other.trials t ON t.host_id = o.host_id "
      "WHERE t.trial_id = ?1 ON CONFLICT (name, boot_id) DO NOTHING",
      columns.names, columns.values);
}

// Nothing of it will be drawn or begun here: what has not ended stays where it is.
std::string sweep_sql(SQLite::Database& handle) {
  const ColumnLists columns =
      column_lists(handle, "sweeps", "sweep_id", {{"state", "'done'"}, {"paused", "0"}, {"next_number", "NULL"}});
  return fmt::format(
      "INSERT INTO main.sweeps ({}) SELECT {} FROM other.sweeps o JOIN other.trials t ON t.sweep_id = o.sweep_id "
      "WHERE t.trial_id = ?1 ON CONFLICT (uid) DO NOTHING",
      columns.names, columns.values);
}

std::string trial_sql(SQLite::Database& handle) {
  const ColumnLists columns = column_lists(
      handle, "trials", "trial_id",
      {{"sweep_id",
        "(SELECT m.sweep_id FROM other.sweeps s JOIN main.sweeps m ON m.uid = s.uid WHERE s.sweep_id = o.sweep_id)"},
       {"host_id",
        "(SELECT m.host_id FROM other.hosts h JOIN main.hosts m ON m.name = h.name AND m.boot_id = h.boot_id "
        "WHERE h.host_id = o.host_id)"},
       // Of a trial that was tried again here too, the attempt that is here is the next one.
       {"retry_of",
        "(SELECT m.trial_id FROM other.trials r JOIN main.trials m ON m.uid = r.uid WHERE r.trial_id = o.retry_of AND "
        "NOT EXISTS (SELECT 1 FROM main.trials n WHERE n.retry_of = m.trial_id))"}});
  return fmt::format(
      "INSERT INTO main.trials ({}) SELECT {} FROM other.trials o WHERE o.trial_id = ?1 AND o.uid NOT IN (SELECT uid "
      "FROM main.trials)",
      columns.names, columns.values);
}

std::string part_sql(SQLite::Database& handle, const Part& part) {
  const ColumnLists columns = column_lists(handle, part.table, part.own_id, {{"trial_id", "?1"}});
  const std::string order = *part.own_id == '\0' ? "" : fmt::format(" ORDER BY o.{}", part.own_id);
  return fmt::format("INSERT INTO main.{0} ({1}) SELECT {2} FROM other.{0} o WHERE o.trial_id = ?2{3}", part.table,
                     columns.names, columns.values, order);
}

// The other database, as `other` beside `main`.
class Attachment {
 public:
  Attachment(SQLite::Database& handle, const std::string& uri) : handle_(handle) {
    SQLite::Statement attach(handle_, "ATTACH ?1 AS other");
    attach.bind(1, uri);
    attach.exec();
  }
  ~Attachment() { handle_.tryExec("DETACH other"); }
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

 private:
  SQLite::Database& handle_;
};

// Copies trials from `other` to `main`, one after the other, with statements that are compiled once.
class TrialCopier {
 public:
  explicit TrialCopier(SQLite::Database& handle)
      : handle_(handle),
        insert_host_(handle, host_sql(handle)),
        insert_sweep_(handle, sweep_sql(handle)),
        insert_trial_(handle, trial_sql(handle)),
        settle_sweep_(handle,
                      "UPDATE main.sweeps SET state = (SELECT f.state FROM main.sweep_states f WHERE f.sweep_id = "
                      "sweeps.sweep_id) WHERE sweep_id = (SELECT sweep_id FROM main.trials WHERE trial_id = ?1)") {
    for (const Part& part : kParts) insert_parts_.emplace_back(handle, part_sql(handle, part));
  }

  // Its samples; nullopt: somebody else has brought it meanwhile.
  std::optional<std::int64_t> copy(std::int64_t there) {
    run(insert_host_, {there});
    run(insert_sweep_, {there});
    if (run(insert_trial_, {there}) == 0) return std::nullopt;
    const std::int64_t here = handle_.getLastInsertRowid();
    std::int64_t samples = 0;
    for (std::size_t i = 0; i < kParts.size(); ++i) {
      const std::int64_t rows = run(insert_parts_[i], {here, there});
      if (i == 0) samples = rows;
    }
    run(settle_sweep_, {here});
    return samples;
  }

 private:
  static std::int64_t run(SQLite::Statement& statement, std::initializer_list<std::int64_t> values) {
    int index = 0;
    for (const std::int64_t value : values) statement.bind(++index, value);
    const int rows = statement.exec();
    statement.reset();
    return rows;
  }

  SQLite::Database& handle_;
  SQLite::Statement insert_host_, insert_sweep_, insert_trial_, settle_sweep_;
  std::vector<SQLite::Statement> insert_parts_;
};

std::int64_t count(SQLite::Database& handle, const std::string& condition) {
  return handle.execAndGet("SELECT count(*) FROM other.trials WHERE " + condition).getInt64();
}

std::vector<std::int64_t> new_trials(SQLite::Database& handle) {
  SQLite::Statement select(handle, fmt::format("SELECT trial_id FROM other.trials WHERE {} AND uid NOT IN (SELECT uid "
                                               "FROM main.trials) ORDER BY trial_id",
                                               kEnded));
  std::vector<std::int64_t> found;
  while (select.executeStep()) found.push_back(select.getColumn(0).getInt64());
  return found;
}

// Known before anything is written: a disk that is too small for what is new.
void refuse_too_little_room(const Database& target, const fs::path& source, std::size_t new_count,
                            std::int64_t count_there) {
  const auto file_system = file_system_of(target.path());
  if (!file_system || new_count == 0) return;
  const double share = static_cast<double>(new_count) / static_cast<double>(count_there);
  const auto needed = static_cast<std::int64_t>(share * static_cast<double>(fs::file_size(source)));
  if (needed > file_system->free_bytes) {
    throw StorageError(fmt::format("{} takes some {} bytes more in {}, and {} are free there; make room, or name "
                                   "another file with --db",
                                   source.string(), needed, target.path().string(), file_system->free_bytes),
                       true);
  }
}

}  // namespace

void check_merge_source(const fs::path& target, const fs::path& source) {
  std::error_code error;
  if (fs::equivalent(target, source, error)) {
    throw StorageError(fmt::format("{} cannot be merged into itself", source.string()), false);
  }
  const MergeSource checked(source);
}

MergeCount merge_database(Database& target, const fs::path& source,
                          const std::function<void(std::int64_t, std::int64_t)>& on_progress) {
  MergeSource other(source);
  const std::string doing = fmt::format("merge {}", source.string());
  return with_storage_errors(doing, target.path(), [&] {
    SQLite::Database& handle = target.handle();
    const Attachment attachment(handle, other.attachable(target.path()));
    const std::vector<std::int64_t> trials = new_trials(handle);
    const std::int64_t ended = count(handle, kEnded), all = count(handle, "1");
    refuse_too_little_room(target, source, trials.size(), all);
    MergeCount merged{.trials = 0,
                      .samples = 0,
                      .known_trials = ended - static_cast<std::int64_t>(trials.size()),
                      .unfinished_trials = all - ended};
    TrialCopier copier(handle);
    std::size_t next = 0;
    if (trials.empty()) return merged;
    in_short_transactions(target, doing, [&] {
      if (on_progress) on_progress(static_cast<std::int64_t>(next), static_cast<std::int64_t>(trials.size()));
      const std::optional<std::int64_t> samples = copier.copy(trials[next++]);
      ++(samples ? merged.trials : merged.known_trials);
      merged.samples += samples.value_or(0);
      return next < trials.size();
    });
    return merged;
  });
}

}  // namespace memtrack
