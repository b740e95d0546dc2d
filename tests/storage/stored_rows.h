#pragma once

// What a database holds, as text that can be compared; databases of every schema version there was.

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace memtrack::testing {

// Makes a database of an earlier version, or of this one: tests/storage/schemas/versionN.sql.
void make_old_database(const std::filesystem::path& path, int version);
bool has_old_database(int version);

// Tables and views with their columns.
using Relations = std::map<std::string, std::vector<std::string>>;
Relations relations(SQLite::Database& handle);

// Every row of a query, sorted.
std::vector<std::string> rows_of(SQLite::Database& handle, const std::string& sql);

// The rows of these relations, of these columns alone.
std::map<std::string, std::vector<std::string>> contents(SQLite::Database& handle, const Relations& which);

// All that SQLite checks of a file: "ok", and no broken reference.
bool is_sound(SQLite::Database& handle);

// Does `work` in a process that kills itself (SIGKILL) as it begins its nth statement of SQL. False: it came to its end
// before.
bool is_killed_at_statement(int nth, const std::function<void()>& work);

}  // namespace memtrack::testing
