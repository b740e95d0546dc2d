#pragma once

// The schema of memtrack.db, as migrations: appended, never edited. `.schema` in the sqlite3 shell is the metric
// manual, since meanings and units are comments inside CREATE TABLE.

#include <span>
#include <string_view>

namespace memtrack {

inline constexpr int kApplicationId = 0x6d74726b;  // "mtrk"

// Migration i brings a database from user_version i to i + 1.
std::span<const std::string_view> migrations();

}  // namespace memtrack
