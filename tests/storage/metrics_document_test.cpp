// docs/metrics.md names every measured column.

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "storage/database.h"
#include "storage/query.h"
#include "tests/temporary_directory.h"

using namespace memtrack;

TEST_CASE("docs/metrics.md says of every measured column what it means") {
  std::ostringstream document;
  document << std::ifstream(std::string(MEMTRACK_SOURCE_DIR) + "/docs/metrics.md").rdbuf();
  const std::string text = document.str();
  REQUIRE_FALSE(text.empty());
  const testing::TemporaryDirectory folder;
  Database database = Database::open_for_writing(folder / "memtrack.db");
  const ResultTable columns = query(
      database,
      "SELECT name FROM pragma_table_xinfo('samples') WHERE name NOT IN ('trial_id', 'kind', 'phase') "
      "UNION SELECT name FROM pragma_table_xinfo('process_samples') WHERE name <> 'trial_id' "
      "UNION SELECT name FROM pragma_table_xinfo('trial_memory') WHERE name LIKE 'peak_%' OR name = 'late_ticks'");
  CHECK(columns.rows.size() > 45);
  for (const auto& row : columns.rows) {
    const std::string name = std::get<std::string>(row[0]);
    CAPTURE(name);
    CHECK(text.find("`" + name + "`") != std::string::npos);
  }
}
