#include "storage/query.h"

#include <sqlite3.h>

#include <string_view>
#include <type_traits>

#include "storage/query_stop.h"
#include "storage/sqlite_error.h"

namespace memtrack {
namespace {

constexpr const char* kReadsOnly =
    "refused: queries only read, and only this file: they write nothing, attach no other file, load no extension and "
    "change no PRAGMA";

void bind_value(SQLite::Statement& statement, int index, const Value& value) {
  std::visit(
      [&](const auto& held) {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::monostate>) {
          statement.bind(index);
        } else {
          statement.bind(index, held);
        }
      },
      value);
}

Value read_value(const SQLite::Column& column) {
  if (column.isNull()) {
    return std::monostate{};
  }
  if (column.isInteger()) {
    return column.getInt64();
  }
  if (column.isFloat()) {
    return column.getDouble();
  }
  return column.getString();
}

bool step(SQLite::Statement& statement) {
  try {
    return statement.executeStep();
  } catch (const SQLite::Exception& error) {
    if (error.getErrorCode() == SQLITE_INTERRUPT) throw QueryEnded();
    throw;
  }
}

// SQLite compiles the first statement and ignores the rest: what would be ignored, and what would write, is refused.
void check_single_reading_statement(sqlite3* handle, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  if (const int result = sqlite3_prepare_v2(handle, sql.c_str(), -1, &statement, &rest); result != SQLITE_OK) {
    if (result == SQLITE_AUTH || std::string_view(sqlite3_errmsg(handle)).starts_with("not authorized")) {
      throw StorageError(kReadsOnly, false);
    }
    throw SQLite::Exception(handle, result);
  }
  const bool empty = statement == nullptr;
  const bool reads = empty || sqlite3_stmt_readonly(statement) != 0;
  sqlite3_finalize(statement);
  if (empty) {
    throw StorageError("the query is empty; try \"SELECT * FROM trial_memory\"", false);
  }
  if (!reads) {
    throw StorageError(kReadsOnly, false);
  }
  if (std::string_view(rest).find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    throw StorageError("one statement a query: remove what follows the first ';'", false);
  }
}

}  // namespace

QueryStop::QueryStop(Database& database, std::function<bool()> ends) : database_(database), ends_(std::move(ends)) {
  constexpr int kSteps = 20'000;  // of SQLite's virtual machine
  sqlite3_progress_handler(
      database_.handle().getHandle(), kSteps,
      [](void* asked) { return static_cast<QueryStop*>(asked)->ends_() ? 1 : 0; }, this);
}

QueryStop::~QueryStop() {
  sqlite3_progress_handler(database_.handle().getHandle(), 0, nullptr, nullptr);
}

bool is_complete_statement(const std::string& sql) {
  return sqlite3_complete(sql.c_str()) != 0;
}

void query_rows(Database& database, const std::string& sql, const std::vector<Value>& parameters,
                const std::function<void(const std::vector<std::string>&)>& on_columns,
                const std::function<void(const std::vector<Value>&)>& on_row) {
  with_storage_errors("answer the query", database.path(), [&] {
    check_single_reading_statement(database.handle().getHandle(), sql);
    SQLite::Statement statement(database.handle(), sql);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      bind_value(statement, static_cast<int>(i) + 1, parameters[i]);
    }
    std::vector<std::string> names;
    for (int i = 0; i < statement.getColumnCount(); ++i) {
      names.emplace_back(statement.getColumnName(i));
    }
    on_columns(names);
    std::vector<Value> row(names.size());
    while (step(statement)) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        row[i] = read_value(statement.getColumn(static_cast<int>(i)));
      }
      on_row(row);
    }
  });
}

ResultTable query(Database& database, const std::string& sql, const std::vector<Value>& parameters) {
  ResultTable result;
  query_rows(
      database, sql, parameters, [&](const std::vector<std::string>& names) { result.columns = names; },
      [&](const std::vector<Value>& row) { result.rows.push_back(row); });
  return result;
}

DataVersion data_version(Database& database) {
  return with_storage_errors("look whether it has changed", database.path(), [&] {
    return DataVersion{.by_others = database.handle().execAndGet("PRAGMA data_version").getInt64(),
                       .by_us = sqlite3_total_changes64(database.handle().getHandle())};
  });
}

}  // namespace memtrack
