#include "tests/storage/stored_rows.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>

namespace memtrack::testing {
namespace {

std::filesystem::path schema_file(int version) {
  return fmt::format("{}/tests/storage/schemas/version{}.sql", MEMTRACK_SOURCE_DIR, version);
}

int statements_left = 0;

int kill_at_the_last(unsigned /*event*/, void* /*context*/, void* /*statement*/, void* /*text*/) {
  if (--statements_left == 0) raise(SIGKILL);
  return 0;
}

int trace_connection(sqlite3* handle, char** /*error*/, const sqlite3_api_routines* /*unused*/) {
  return sqlite3_trace_v2(handle, SQLITE_TRACE_STMT, kill_at_the_last, nullptr);
}

}  // namespace

bool has_old_database(int version) {
  return std::filesystem::exists(schema_file(version));
}

void make_old_database(const std::filesystem::path& path, int version) {
  std::ifstream file(schema_file(version));
  const std::string sql{std::istreambuf_iterator<char>(file), {}};
  REQUIRE_FALSE(sql.empty());
  SQLite::Database handle(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  handle.exec("PRAGMA journal_mode = WAL");
  handle.exec(sql);
}

Relations relations(SQLite::Database& handle) {
  SQLite::Statement select(handle,
                           "SELECT s.name, c.name FROM sqlite_schema s, pragma_table_xinfo(s.name) c WHERE s.type IN "
                           "('table', 'view') AND s.name NOT LIKE 'sqlite_%' ORDER BY s.name, c.cid");
  Relations found;
  while (select.executeStep()) {
    found[select.getColumn(0).getString()].push_back(select.getColumn(1).getString());
  }
  return found;
}

std::vector<std::string> rows_of(SQLite::Database& handle, const std::string& sql) {
  SQLite::Statement select(handle, sql);
  std::vector<std::string> rows;
  while (select.executeStep()) {
    std::string row;
    for (int i = 0; i < select.getColumnCount(); ++i) {
      row += (i == 0 ? "" : "|") + (select.getColumn(i).isNull() ? "NULL" : select.getColumn(i).getString());
    }
    rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::map<std::string, std::vector<std::string>> contents(SQLite::Database& handle, const Relations& which) {
  std::map<std::string, std::vector<std::string>> found;
  for (auto [relation, columns] : which) {
    for (std::string& name : columns) {
      if (name.ends_with("_sum")) name = fmt::format("CAST({} AS REAL)", name);  // INTEGER before version 7
    }
    found[relation] = rows_of(handle, fmt::format("SELECT {} FROM {}", fmt::join(columns, ", "), relation));
  }
  return found;
}

bool is_sound(SQLite::Database& handle) {
  return rows_of(handle, "PRAGMA integrity_check") == std::vector<std::string>{"ok"} &&
         rows_of(handle, "PRAGMA foreign_key_check").empty();
}

bool is_killed_at_statement(int nth, const std::function<void()>& work) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    statements_left = nth;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(trace_connection));
    try {
      work();
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}\n", error.what());
      _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE((WIFSIGNALED(status) || WEXITSTATUS(status) == 0));
  return WIFSIGNALED(status);
}

}  // namespace memtrack::testing
