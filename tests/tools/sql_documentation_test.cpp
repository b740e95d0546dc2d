// docs/sql.md and the README: their queries give the rows that stand below them.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <string>

#include "storage/query.h"
#include "tests/end_to_end/session.h"
#include "tests/tools/recorded_sweep.h"
#include "tools/row_writer.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

std::string source_file(const std::string& name) {
  std::ifstream file(std::string(MEMTRACK_SOURCE_DIR) + "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What `text` holds from `at` to the next end of a fence; `at` moves behind it.
std::string fenced(const std::string& text, const std::string& fence, std::size_t& at) {
  const std::size_t begin = text.find(fence, at) + fence.size();
  const std::size_t end = text.find("```", begin);
  at = end;
  return text.substr(begin, end - begin);
}

std::string answer(Database& database, const std::string& sql) {
  std::string text;
  const auto writer = make_row_writer(RowFormat::table, [&](std::string_view part) { text += part; });
  query_rows(
      database, sql, {}, [&](const std::vector<std::string>& names) { writer->columns(names); },
      [&](const std::vector<Value>& row) { writer->row(row); });
  writer->finish();
  return text;
}

}  // namespace

TEST_CASE("every query of docs/sql.md answers the rows that stand below it") {
  const Session session;
  Database::open_for_writing(session.folder() / "memtrack.db");
  session.output_of(
      fmt::format("sqlite3 -bail memtrack.db < {}/tests/tools/documented_sweeps.sql", MEMTRACK_SOURCE_DIR));
  Database database = Database::open_for_reading(session.folder() / "memtrack.db");
  const std::string text = source_file("docs/sql.md");
  int count = 0;
  for (std::size_t at = 0; text.find("```sql\n", at) != std::string::npos; ++count) {
    const std::string sql = fenced(text, "```sql\n", at);
    CAPTURE(sql);
    CHECK(answer(database, sql) == fenced(text, "```text\n", at += 3));
  }
  CHECK(count >= 25);
}

TEST_CASE("the README's first query gives the same in the stock sqlite3 shell") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  sweep.record({.used_mib = {1000, 1100, 1300}});
  const std::string readme = source_file("README.md");
  const std::string before = "$ memtrack sql \"";
  const std::size_t begin = readme.find(before) + before.size();
  REQUIRE(begin > before.size());
  session.write_file("q.sql", readme.substr(begin, readme.find('"', begin) - begin));
  const std::string ours =
      session.output_of(fmt::format("memtrack sql --db {} --format csv --file q.sql", sweep.path().string()));
  CHECK(ours.find("1133.33") != std::string::npos);
  CHECK(session.output_of(
            fmt::format("sqlite3 -readonly -header -csv {} < q.sql | tr -d '\\r'", sweep.path().string())) == ours);
}
