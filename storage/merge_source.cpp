#include "storage/merge_source.h"

#include <fmt/format.h>

#include "storage/backup.h"
#include "storage/reading_uri.h"
#include "storage/schema.h"
#include "storage/schema_check.h"
#include "storage/sqlite_error.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

int checked_version(Database& database) {
  return with_storage_errors("look at the database", database.path(), [&] {
    const int version = database.handle().execAndGet("PRAGMA user_version").getInt();
    if (version == 0) {
      throw StorageError(fmt::format("{} is empty: no database that memtrack has written", database.path().string()),
                         false);
    }
    if (const std::optional<std::string> missing = missing_part(database.handle(), version)) {
      throw StorageError(
          fmt::format("{} is not whole: its schema version is {}, and {} is missing; restore a backup of "
                      "it, or open it with the memtrack that wrote it",
                      database.path().string(), version, *missing),
          false);
    }
    return version;
  });
}

}  // namespace

MergeSource::MergeSource(const fs::path& path)
    : database_(Database::open_other_for_reading(path)), version_(checked_version(database_)) {}

std::string MergeSource::attachable(const fs::path& target) {
  if (version_ == static_cast<int>(migrations().size())) return reading_uri(path());
  copy_.emplace(fs::path(target.string() + ".merging"), false, 0600);
  copy_pages(database_, copy_->partial_path());
  with_storage_errors("bring a copy up to date", path(), [&] {
    const Database copy = Database::open_for_writing(copy_->partial_path());
    copy.handle().exec("PRAGMA journal_mode = DELETE");  // it is to have no companions
  });
  return reading_uri(copy_->partial_path());
}

}  // namespace memtrack
