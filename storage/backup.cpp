#include "storage/backup.h"

#include <SQLiteCpp/Backup.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "storage/new_file.h"
#include "storage/snapshot.h"
#include "storage/sqlite_error.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

constexpr int kPagesAStep = 4096;  // 16 MiB

void refuse_database_in_use(const Database& database, const fs::path& to) {
  std::error_code error;
  if (fs::equivalent(database.path(), to, error)) {
    throw StorageError(fmt::format("{} is the database itself; name another file for its copy", to.string()), false);
  }
  // Renamed over a database, the copy would be read together with what is in the log of that one; readers leave empty
  // ones.
  for (const char* companion : {"-wal", "-journal"}) {
    const fs::path log = to.string() + companion;
    if (fs::exists(log, error) && fs::file_size(log) > 0) {
      throw StorageError(fmt::format("{} is a database in use, or was left by a crash: {} stands beside it; name "
                                     "another file for the copy",
                                     to.string(), log.filename().string()),
                         false);
    }
  }
}

}  // namespace

void copy_pages(Database& database, const fs::path& to,
                const std::function<void(std::int64_t, std::int64_t)>& on_progress) {
  // Of one snapshot: otherwise each commit of others would make the copying begin anew.
  const Snapshot snapshot(database);
  with_storage_errors("copy the database", to, [&] {
    SQLite::Database copy(to.string(), SQLite::OPEN_READWRITE);
    copy.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");  // whole or removed; synced by its owner
    SQLite::Backup backup(copy, database.handle());
    int result = SQLITE_OK;
    while (result != SQLITE_DONE) {
      result = backup.executeStep(kPagesAStep);
      if (result != SQLITE_OK && result != SQLITE_DONE) throw SQLite::Exception(database.handle().getHandle(), result);
      const std::int64_t all = backup.getTotalPageCount();
      if (on_progress) on_progress(all - backup.getRemainingPageCount(), all);
    }
  });
}

void back_up(Database& database, const fs::path& to, bool may_replace,
             const std::function<void(std::int64_t, std::int64_t)>& on_progress) {
  refuse_database_in_use(database, to);
  NewFile file(to, may_replace, 0600);
  copy_pages(database, file.partial_path(), on_progress);
  file.finish();
}

}  // namespace memtrack
