#pragma once

#include <span>
#include <string_view>

struct sqlite3;

namespace memtrack {

// What SQL of ours can do beside SQLite's own functions. NULL counts as no value, all of none is NULL; text is an
// error.
struct SqlFunction {
  std::string_view name;
  std::string_view signature;  // "percentile(x, p)"
  std::string_view meaning;
};
std::span<const SqlFunction> sql_functions();

// For this connection alone; nothing is kept in the file. Done by Database::open_for_reading().
void add_sql_functions(sqlite3* handle);

}  // namespace memtrack
