#include "storage/sql_functions.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "storage/query.h"
#include "tests/temporary_directory.h"

using namespace memtrack;

namespace {

class SqlFunctions {
 public:
  SqlFunctions() : database_(made()) {}

  Value ask(const std::string& sql) { return query(database_, sql).rows.at(0).at(0); }
  double number(const std::string& sql) { return std::get<double>(ask(sql)); }
  bool is_null(const std::string& sql) { return std::holds_alternative<std::monostate>(ask(sql)); }

 private:
  Database made() {
    Database::open_for_writing(folder_ / "memtrack.db");
    return Database::open_for_reading(folder_ / "memtrack.db");
  }

  testing::TemporaryDirectory folder_;
  Database database_;
};

// R 4.2's data set `women`: height in inches against weight in pounds.
const std::string kWomen =
    "WITH women (height, weight) AS (VALUES (58, 115), (59, 117), (60, 120), (61, 123), (62, 126), (63, 129), "
    "(64, 132), (65, 135), (66, 139), (67, 142), (68, 146), (69, 150), (70, 154), (71, 159), (72, 164)) ";

}  // namespace

TEST_CASE("functions of SQL give what R gives of its women") {
  SqlFunctions sql;
  const auto ask = [&](const std::string& what) { return sql.number(kWomen + "SELECT " + what + " FROM women"); };
  CHECK(ask("regr_slope(weight, height)") == doctest::Approx(3.45).epsilon(1e-12));
  CHECK(ask("regr_intercept(weight, height)") == doctest::Approx(-87.516666666666666).epsilon(1e-12));
  CHECK(ask("corr(weight, height)") == doctest::Approx(0.9954947677842161).epsilon(1e-12));
  CHECK(ask("stddev(weight)") == doctest::Approx(15.498694261437418).epsilon(1e-12));
  CHECK(ask("median(weight)") == 135);
  CHECK(ask("percentile(weight, 95)") == doctest::Approx(160.5).epsilon(1e-12));
  CHECK(ask("percentile(weight, 0)") == 115);
  CHECK(ask("percentile(weight, 100)") == 164);
}

TEST_CASE("the median of an even count lies between the two in the middle, in whatever order they come") {
  SqlFunctions sql;
  CHECK(sql.number("SELECT median(value) FROM json_each('[9, 1, 4, 2]')") == 3);
  CHECK(sql.number("SELECT median(value) FROM json_each('[5]')") == 5);
}

TEST_CASE("functions of SQL leave NULL out, and are NULL of nothing") {
  SqlFunctions sql;
  CHECK(sql.number("SELECT median(value) FROM json_each('[1, null, 3]')") == 2);
  CHECK(sql.number("SELECT stddev(value) FROM json_each('[1, null, 3]')") == doctest::Approx(1.4142135623730951));
  for (const char* nothing :
       {"median(value)", "percentile(value, 50)", "stddev(value)", "corr(value, value)", "regr_slope(value, 1)"}) {
    CAPTURE(nothing);
    CHECK(sql.is_null(fmt::format("SELECT {} FROM json_each('[]')", nothing)));
    CHECK(sql.is_null(fmt::format("SELECT {} FROM json_each('[null]')", nothing)));
  }
  CHECK(sql.is_null("SELECT stddev(value) FROM json_each('[1]')"));
  CHECK(sql.is_null("SELECT corr(value, 3) FROM json_each('[1, 2, 3]')"));
  CHECK(sql.is_null("SELECT regr_slope(value, 3) FROM json_each('[1, 2, 3]')"));
  CHECK(sql.is_null("SELECT mib(NULL)"));
}

TEST_CASE("large numbers with small differences keep their standard deviation") {
  SqlFunctions sql;
  CHECK(sql.number("SELECT stddev(1e15 + value) FROM json_each('[1, 2, 3, 4, 5]')") ==
        doctest::Approx(1.5811388300841898).epsilon(1e-12));
}

TEST_CASE("mib turns bytes into MiB") {
  SqlFunctions sql;
  CHECK(sql.number("SELECT mib(1572864)") == 1.5);
}

TEST_CASE("what is no number and what is no percentage are errors that name the function") {
  SqlFunctions sql;
  CHECK_THROWS_WITH_AS(sql.ask("SELECT median('much')"), doctest::Contains("median() takes numbers, not text"),
                       StorageError);
  CHECK_THROWS_WITH_AS(sql.ask("SELECT percentile(1, 101)"), doctest::Contains("a number from 0 to 100"), StorageError);
  CHECK_THROWS_WITH_AS(sql.ask("SELECT percentile(value, value) FROM json_each('[1, 2]')"),
                       doctest::Contains("the same for all rows"), StorageError);
}

TEST_CASE("every function of SQL that is told of is there") {
  SqlFunctions sql;
  CHECK(sql_functions().size() == 7);
  for (const SqlFunction& function : sql_functions()) {
    CAPTURE(function.name);
    CHECK(std::get<std::int64_t>(
              sql.ask(fmt::format("SELECT count(*) FROM pragma_function_list WHERE name = '{}'", function.name))) > 0);
  }
}
