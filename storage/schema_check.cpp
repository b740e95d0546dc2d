#include "storage/schema_check.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "storage/schema.h"

namespace memtrack {
namespace {

// Sorted.
std::vector<std::string> parts(SQLite::Database& handle) {
  SQLite::Statement select(handle,
                           "SELECT type || ' ' || name AS part FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' "
                           "UNION SELECT 'column ' || s.name || '.' || c.name FROM sqlite_schema s, "
                           "pragma_table_xinfo(s.name) c WHERE s.type = 'table' ORDER BY part");
  std::vector<std::string> found;
  while (select.executeStep()) found.push_back(select.getColumn(0).getString());
  return found;
}

}  // namespace

std::optional<std::string> missing_part(SQLite::Database& handle, int version) {
  SQLite::Database model(":memory:", SQLite::OPEN_READWRITE);
  for (const std::string_view migration : migrations().first(static_cast<std::size_t>(version))) {
    model.exec(std::string(migration));
  }
  const std::vector<std::string> wanted = parts(model), found = parts(handle);
  std::vector<std::string> missing;
  std::set_difference(wanted.begin(), wanted.end(), found.begin(), found.end(), std::back_inserter(missing));
  return missing.empty() ? std::nullopt : std::optional(missing.back());  // a table comes behind its columns
}

}  // namespace memtrack
