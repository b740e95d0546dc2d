#include "storage/query.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <utility>

#include "storage/query_stop.h"
#include "tests/temporary_directory.h"

using namespace memtrack;

namespace {

struct ReadDatabase {
  testing::TemporaryDirectory folder;
  std::filesystem::path path = folder / "memtrack.db";
  Database database = (Database::open_for_writing(path), Database::open_for_reading(path));
};

}  // namespace

TEST_CASE("a reader refuses what would write or reach beyond its file, and the file stays as it is") {
  ReadDatabase read;
  const auto before = std::filesystem::last_write_time(read.path);
  const std::string other = (read.folder / "other.db").string();
  for (const std::string& sql :
       {std::string("DELETE FROM trials"),
        std::string("INSERT INTO hosts (name, boot_id) VALUES ('a', 'b')"),
        std::string("UPDATE sweeps SET name = ''"),
        std::string("CREATE TABLE t (a)"),
        std::string("CREATE TEMP TABLE t (a)"),
        std::string("CREATE TEMP VIEW v AS SELECT 1"),
        std::string("DROP TABLE trials"),
        std::string("ALTER TABLE trials RENAME TO t"),
        "ATTACH '" + other + "' AS other",
        "VACUUM INTO '" + other + "'",
        std::string("VACUUM"),
        std::string("REINDEX"),
        std::string("ANALYZE"),
        std::string("DETACH main"),
        std::string("PRAGMA journal_mode = DELETE"),
        std::string("PRAGMA query_only = 0"),
        std::string("PRAGMA writable_schema = 1"),
        std::string("PRAGMA wal_checkpoint"),
        std::string("PRAGMA user_version = 99"),
        std::string("SELECT load_extension('/tmp/x.so')"),
        std::string("WITH x AS (SELECT 1) INSERT INTO hosts (name, boot_id) SELECT 1, 1 FROM x")}) {
    CAPTURE(sql);
    CHECK_THROWS_WITH_AS(query(read.database, sql), doctest::Contains("queries only read"), StorageError);
  }
  CHECK_FALSE(std::filesystem::exists(other));
  CHECK(std::filesystem::last_write_time(read.path) == before);
  CHECK_NOTHROW(Database::open_for_reading(read.path));
}

TEST_CASE("a reader may ask all that SQLite tells") {
  ReadDatabase read;
  for (const char* sql :
       {"SELECT name FROM sqlite_schema", "SELECT name FROM pragma_table_xinfo('samples')", "PRAGMA table_info(trials)",
        "PRAGMA user_version", "PRAGMA integrity_check", "PRAGMA page_size", "EXPLAIN QUERY PLAN SELECT * FROM trials",
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n",
        "SELECT value FROM json_each('[1]')", "SELECT json_extract('{\"a\":1}', '$.a')", "VALUES (1)"}) {
    CAPTURE(sql);
    CHECK_NOTHROW(query(read.database, sql));
  }
}

TEST_CASE("a query that runs away is ended when that is asked for, and the next one runs") {
  ReadDatabase read;
  bool is_asked = false;
  {
    const QueryStop stop(read.database, [&] { return std::exchange(is_asked, true); });  // at the second question
    CHECK_THROWS_AS(query(read.database,
                          "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"),
                    QueryEnded);
  }
  CHECK(is_asked);
  CHECK(query(read.database, "SELECT 7").rows.at(0).at(0) == Value(std::int64_t{7}));
}

TEST_CASE("a statement is complete with the semicolon that ends it") {
  CHECK(is_complete_statement("SELECT 1;"));
  CHECK(is_complete_statement("SELECT ';'; -- done\n"));
  CHECK_FALSE(is_complete_statement("SELECT 1"));
  CHECK_FALSE(is_complete_statement("SELECT ';"));
  CHECK_FALSE(is_complete_statement("SELECT 1 -- ;"));
}
