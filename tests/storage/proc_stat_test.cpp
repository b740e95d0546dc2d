#include "storage/proc_stat.h"

#include <doctest/doctest.h>

#include <string>

using namespace memtrack;

TEST_CASE("fields of a process are counted behind its name whatever that holds") {
  for (const std::string name : {"sh", "a b", ") S 9 (", "", "x) R 1 2 3"}) {
    const std::string stat = "12 (" + name + ") S 1 12 -1 0\n";
    CHECK(stat_field(stat, 3) == "S");
    CHECK(stat_field(stat, 6) == "-1");
    CHECK(stat_number(stat, 4) == 1);
    CHECK(stat_number(stat, 7) == 0);
  }
}

TEST_CASE("a field that is not there is none and what is no number is none") {
  const std::string stat = "12 (sh) S 1 12 -1 99999999999999999999\n";
  CHECK(stat_field(stat, 8).empty());
  CHECK_FALSE(stat_number(stat, 8));
  CHECK_FALSE(stat_number(stat, 3));
  CHECK_FALSE(stat_number(stat, 6));
  CHECK_FALSE(stat_number(stat, 7));
  for (const char* broken : {"", "12 (sh", "12 (sh)", "12 sh S 1"}) {
    CHECK(stat_field(broken, 3).empty());
    CHECK_FALSE(stat_number(broken, 4));
  }
}
