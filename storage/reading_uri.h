#pragma once

// Inside storage/ only: how SQLite opens a database that is not ours to write.

#include <filesystem>
#include <string>

namespace memtrack {

// A log stands beside the database: it is in use, or was left by a crash.
bool has_log(const std::filesystem::path& database);

// The database and its folder may be written by us, and SQLite's locks hold there.
bool may_write(const std::filesystem::path& database);

// "file:/data/memtrack.db?mode=ro" (https://www.sqlite.org/uri.html). A reader makes files beside a database with a
// write-ahead log; where we can make none and there is no log, it is read as it stands.
std::string reading_uri(const std::filesystem::path& database);

}  // namespace memtrack
