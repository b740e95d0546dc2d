#include "tools/row_writer.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "tools/exit_codes.h"

using namespace memtrack;

namespace {

const Value kNull = std::monostate{};

std::string written(RowFormat format, const std::vector<std::string>& columns,
                    const std::vector<std::vector<Value>>& rows) {
  std::string text;
  const auto writer = make_row_writer(format, [&](std::string_view part) { text += part; });
  writer->columns(columns);
  for (const auto& row : rows) {
    writer->row(row);
  }
  writer->finish();
  return text;
}

}  // namespace

TEST_CASE("csv follows RFC 4180, and NULL is not the empty text") {
  const struct {
    Value value;
    const char* field;
  } cases[] = {{kNull, ""},
               {std::string(), "\"\""},
               {std::string("plain"), "plain"},
               {std::string("a,b"), "\"a,b\""},
               {std::string("say \"hi\""), "\"say \"\"hi\"\"\""},
               {std::string("two\nlines"), "\"two\nlines\""},
               {std::int64_t{-7}, "-7"},
               {2636730163.2, "2636730163.2"},
               {3.0, "3.0"},
               {std::numeric_limits<double>::infinity(), "inf"}};
  for (const auto& c : cases) {
    CHECK(csv_field(c.value) == c.field);
  }
  CHECK(written(RowFormat::csv, {"a", "b,c"}, {{std::int64_t{1}, kNull}}) == "a,\"b,c\"\n1,\n");
}

TEST_CASE("json is an array of objects that any parser reads") {
  const std::string text = written(RowFormat::json, {"n", "x", "x", "t"},
                                   {{kNull, 0.5, std::int64_t{2}, std::string("a\"b\n\xff")},
                                    {std::numeric_limits<double>::infinity(), 3.0, kNull, std::string()}});
  const auto parsed = nlohmann::json::parse(text);
  REQUIRE(parsed.size() == 2);
  CHECK(parsed[0]["n"].is_null());
  CHECK(parsed[0]["x"] == 0.5);
  CHECK(parsed[0]["x:1"] == 2);
  CHECK(parsed[0]["t"] == "a\"b\n\xEF\xBF\xBD");
  CHECK(parsed[1]["n"] == "inf");
  CHECK(parsed[1]["x"].is_number_float());
  CHECK(parsed[1]["t"] == "");
  CHECK(written(RowFormat::json, {"n"}, {}) == "[]\n");
}

TEST_CASE("a table shows NULL apart from the empty text, and says when there are no rows") {
  CHECK(written(RowFormat::table, {"id", "name"}, {{std::int64_t{1}, kNull}, {std::int64_t{20}, std::string()}}) ==
        "id  name\n"
        "--  ----\n"
        " 1  NULL\n"
        "20\n");
  CHECK(written(RowFormat::table, {"id"}, {}) == "id\n--\n(no rows)\n");
}

TEST_CASE("a table cuts long cells where others stand beside them, and says so") {
  const std::string wide(200, 'x');
  std::string text;
  const auto writer = make_row_writer(RowFormat::table, [&](std::string_view part) { text += part; });
  writer->columns({"a", "b"});
  writer->row({wide, std::string("end")});
  writer->finish();
  CHECK(text.find(std::string(63, 'x') + "…  end") != std::string::npos);
  CHECK(writer->note().find("csv") != std::string::npos);
  CHECK(written(RowFormat::table, {"a"}, {{wide}}).find(wide) != std::string::npos);
}

TEST_CASE("a table of many rows streams after its first thousand") {
  std::string text;
  const auto writer = make_row_writer(RowFormat::table, [&](std::string_view part) { text += part; });
  writer->columns({"n"});
  for (std::int64_t i = 0; i < 1500; ++i) {
    writer->row({i});
    CHECK((i < 999) == text.empty());
  }
  writer->finish();
  CHECK(std::count(text.begin(), text.end(), '\n') == 1502);
}

TEST_CASE("markdown rows escape what would end a cell") {
  CHECK(written(RowFormat::markdown, {"a|b"}, {{std::string("x|y")}}) == "| a\\|b |\n| --- |\n| x\\|y |\n");
  CHECK(written(RowFormat::markdown, {"a"}, {{std::string("one\r\ntwo\n")}}) == "| a |\n| --- |\n| one<br>two<br> |\n");
}

TEST_CASE("markdown rows let nothing through that moves a cursor or is a tag") {
  CHECK(written(RowFormat::markdown, {"\x1b[2J"}, {{std::string("\x07<img src=x>\xff")}}) ==
        "| \\\\x1b[2J |\n| --- |\n| \\\\x07&lt;img src=x>\\\\xff |\n");
}

TEST_CASE("an unknown format is answered with those that are known") {
  CHECK(parse_row_format("csv") == RowFormat::csv);
  CHECK_THROWS_AS(parse_row_format("xml"), UsageError);
  CHECK_THROWS_WITH(parse_row_format("xml"), "--format is 'xml', and would have to be table, markdown, csv or json");
}
