// Databases of every schema version there was are brought up to date with all their rows, also where that is killed.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "storage/database.h"
#include "storage/schema.h"
#include "tests/storage/stored_rows.h"
#include "tests/temporary_directory.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

const int kNewest = static_cast<int>(migrations().size());

SQLite::Database open_plainly(const std::filesystem::path& path) {
  return SQLite::Database(path.string(), SQLite::OPEN_READWRITE);
}

int version_of(SQLite::Database& handle) {
  return handle.execAndGet("PRAGMA user_version").getInt();
}

// Version 1 kept its rows of processes in another form, which version 2 gave up, rows and all.
Relations lasting_relations(SQLite::Database& handle) {
  Relations found = relations(handle);
  if (version_of(handle) == 1) found.erase("process_samples");
  return found;
}

std::vector<std::string> names_in_schema(SQLite::Database& handle) {
  return rows_of(handle, "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'");
}

// As the migrations make it, up to that version.
SQLite::Database empty_database(int version) {
  SQLite::Database handle(":memory:", SQLite::OPEN_READWRITE);
  for (const std::string_view migration : migrations().first(static_cast<std::size_t>(version))) {
    handle.exec(std::string(migration));
  }
  return handle;
}

}  // namespace

TEST_CASE("there is a database of every earlier schema version and each is what memtrack wrote then") {
  for (int version = 1; version < kNewest; ++version) {
    CAPTURE(version);
    REQUIRE(has_old_database(version));
    const TemporaryDirectory folder;
    make_old_database(folder / "old.db", version);
    SQLite::Database old = open_plainly(folder / "old.db");
    CHECK(version_of(old) == version);
    SQLite::Database model = empty_database(version);
    CHECK(relations(old) == relations(model));
    CHECK(names_in_schema(old) == names_in_schema(model));
    CHECK(is_sound(old));
    for (const auto& [relation, rows] : contents(old, relations(old))) {
      CAPTURE(relation);
      CHECK_FALSE(rows.empty());
    }
  }
}

TEST_CASE("a database of every schema version is brought up to date and keeps every row and every answer") {
  for (int version = 1; has_old_database(version); ++version) {
    CAPTURE(version);
    const TemporaryDirectory folder;
    const auto path = folder / "old.db";
    make_old_database(path, version);
    Relations before;
    std::map<std::string, std::vector<std::string>> rows;
    {
      SQLite::Database old = open_plainly(path);
      before = lasting_relations(old);
      rows = contents(old, before);
    }
    Database database = Database::open_for_writing(path);
    SQLite::Database model = empty_database(kNewest);
    CHECK(version_of(database.handle()) == kNewest);
    CHECK(relations(database.handle()) == relations(model));
    CHECK(names_in_schema(database.handle()) == names_in_schema(model));
    CHECK(contents(database.handle(), before) == rows);
    CHECK(is_sound(database.handle()));
  }
}

TEST_CASE("a migration that is killed at any of its statements leaves a version as it was and is done the next time") {
  const TemporaryDirectory folder;
  const auto path = folder / "old.db";
  make_old_database(folder / "first.db", 1);
  Relations before;
  std::map<std::string, std::vector<std::string>> rows;
  {
    SQLite::Database first = open_plainly(folder / "first.db");
    before = lasting_relations(first);
    rows = contents(first, before);
  }
  int kills = 0;
  std::vector<int> versions(static_cast<std::size_t>(kNewest) + 1);
  for (bool killed = true; killed;) {
    CAPTURE(kills);
    for (const char* companion : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + companion);
    std::filesystem::copy_file(folder / "first.db", path);
    killed = is_killed_at_statement(kills + 1, [&] { Database::open_for_writing(path); });
    kills += killed ? 1 : 0;
    {
      SQLite::Database left = open_plainly(path);
      const int version = version_of(left);
      ++versions.at(static_cast<std::size_t>(version));
      SQLite::Database model = empty_database(version);
      CHECK(relations(left) == relations(model));
      CHECK(names_in_schema(left) == names_in_schema(model));
      CHECK(contents(left, before) == rows);
      CHECK(is_sound(left));
    }
    Database database = Database::open_for_writing(path);
    CHECK(version_of(database.handle()) == kNewest);
    CHECK(contents(database.handle(), before) == rows);
  }
  // At least the beginning, each statement of the migration, its mark and its end were hit.
  for (int version = 1; version < kNewest; ++version) CHECK(versions.at(static_cast<std::size_t>(version)) >= 4);
}
