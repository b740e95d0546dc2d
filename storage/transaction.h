#pragma once

// Inside storage/ only.

#include <string_view>
#include <utility>

#include "storage/sqlite_error.h"

namespace memtrack {

// Runs `work` in a transaction of its own and returns what it returns. `doing` reads on from "cannot ".
template <typename Work>
auto in_transaction(Database& database, std::string_view doing, Work&& work) {
  return with_storage_errors(doing, database.path(), [&] {
    SQLite::Transaction transaction(database.handle(), SQLite::TransactionBehavior::IMMEDIATE);
    auto result = std::forward<Work>(work)(database.handle());
    transaction.commit();
    return result;
  });
}

}  // namespace memtrack
