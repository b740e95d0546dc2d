#include "storage/backup.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "storage/schema.h"
#include "tests/storage/stored_rows.h"
#include "tests/temporary_directory.h"

using namespace memtrack;
using namespace memtrack::testing;

TEST_CASE("a backup is of one committed state while others write and nobody waits for it") {
  const TemporaryDirectory folder;
  make_old_database(folder / "memtrack.db", static_cast<int>(migrations().size()));
  Database reader = Database::open_for_reading(folder / "memtrack.db");
  Database writer = Database::open_for_writing(folder / "memtrack.db");
  const Relations all = relations(reader.handle());
  const auto before = contents(reader.handle(), all);
  int steps = 0;
  back_up(reader, folder / "copy.db", false, [&](std::int64_t done, std::int64_t pages) {
    CHECK(done <= pages);
    writer.handle().exec("UPDATE trials SET reason = 'written meanwhile'");  // committed at once
    ++steps;
  });
  CHECK(steps > 0);
  Database copy = Database::open_for_reading(folder / "copy.db");
  CHECK(contents(copy.handle(), all) == before);
  CHECK(is_sound(copy.handle()));
  struct stat status {};
  REQUIRE(stat((folder / "copy.db").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a backup that breaks off leaves what was there") {
  const TemporaryDirectory folder;
  make_old_database(folder / "memtrack.db", static_cast<int>(migrations().size()));
  make_old_database(folder / "copy.db", 4);
  Database reader = Database::open_for_reading(folder / "memtrack.db");
  CHECK_THROWS_AS(
      back_up(reader, folder / "copy.db", true, [](std::int64_t, std::int64_t) { throw StorageError("enough", true); }),
      StorageError);
  SQLite::Database old((folder / "copy.db").string());
  CHECK(old.execAndGet("PRAGMA user_version").getInt() == 4);
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    CHECK(entry.path().extension() != ".part");
  }
}
