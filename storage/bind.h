#pragma once

// Inside storage/ only.

#include <SQLiteCpp/SQLiteCpp.h>

#include <optional>

namespace memtrack {

// Binds a value that may be absent; absent is NULL.
template <typename T>
void bind_optional(SQLite::Statement& statement, int index, const std::optional<T>& value) {
  if (value) {
    statement.bind(index, *value);
  } else {
    statement.bind(index);
  }
}

}  // namespace memtrack
