#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "storage/query.h"
#include "tests/temporary_directory.h"

TEST_CASE("every query of docs/sql.md runs") {
  const memtrack::testing::TemporaryDirectory folder;
  memtrack::Database database = memtrack::Database::open_for_writing(folder / "memtrack.db");
  std::ifstream file(MEMTRACK_SOURCE_DIR "/docs/sql.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string fence = "```sql\n";
  int count = 0;
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at + 1)) {
    const std::size_t begin = at + fence.size();
    const std::string sql = text.substr(begin, text.find("```", begin) - begin);
    CAPTURE(sql);
    CHECK_NOTHROW(memtrack::query(database, sql));
    ++count;
  }
  CHECK(count >= 6);
}
