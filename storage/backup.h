#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "storage/database.h"

namespace memtrack {

// Copies the database as it is now to `to`, by SQLite's online backup: one consistent state, whatever is written
// meanwhile, and nobody waits for it. The copy is its user's alone (mode 0600). Throws StorageError as NewFile does,
// and where `to` is the database itself or a database that is in use.
// `on_progress` gets pages copied and pages in all; what it throws ends the copying, and nothing is left at `to`.
void back_up(Database& database, const std::filesystem::path& to, bool may_replace,
             const std::function<void(std::int64_t done, std::int64_t all)>& on_progress = {});

// The same to a file that is there and empty.
void copy_pages(Database& database, const std::filesystem::path& to,
                const std::function<void(std::int64_t done, std::int64_t all)>& on_progress = {});

}  // namespace memtrack
