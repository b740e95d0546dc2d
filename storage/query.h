#pragma once

// Reading with SQL: what `memtrack sql`, reports and the HTTP API are made of.

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "storage/database.h"

namespace memtrack {

using Value = std::variant<std::monostate, std::int64_t, double, std::string>;  // monostate: NULL

struct ResultTable {
  std::vector<std::string> columns;
  std::vector<std::vector<Value>> rows;
};

// Runs one statement that reads; `parameters` fill ?1, ?2, ... Throws StorageError with SQLite's own message: on a
// syntax error, on a second statement, on a statement that would write.
ResultTable query(Database& database, const std::string& sql, const std::vector<Value>& parameters = {});

// The same, a row at a time, so that memory does not grow with the answer. `on_columns` is called once, first.
void query_rows(Database& database, const std::string& sql, const std::vector<Value>& parameters,
                const std::function<void(const std::vector<std::string>&)>& on_columns,
                const std::function<void(const std::vector<Value>&)>& on_row);

// Differs from what it was where anybody has written since.
struct DataVersion {
  std::int64_t by_others = -1;
  std::int64_t by_us = -1;
  bool operator==(const DataVersion&) const = default;
};
DataVersion data_version(Database& database);

}  // namespace memtrack
