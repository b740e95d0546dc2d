#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sweeps/sweep.h"

using memtrack::format_duration;
using memtrack::parse_duration;
using std::chrono::nanoseconds;

TEST_CASE("a time is a number with its unit") {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"0s", 0},
      {"1ns", 1},
      {"250us", 250'000},
      {"100ms", 100'000'000},
      {"5s", 5'000'000'000},
      {"1.5m", 90'000'000'000},
      {"2h", 7'200'000'000'000},
      {"0.001s", 1'000'000},
      {"0.1234567899s", 123'456'789},
      {"1.5ns", 1},
      {"2562047h", 9'223'369'200'000'000'000},
  };
  for (const auto& [text, ns] : cases) {
    CAPTURE(text);
    CHECK(parse_duration(text) == nanoseconds(ns));
  }
}

TEST_CASE("what is no time is refused with what would be right") {
  for (const char* text : {"",         "5",
                           "s",        "5 s",
                           " 5s",      "5s ",
                           "-5s",      "+5s",
                           "1e3s",     "5sec",
                           "5S",       ".5s",
                           "5.s",      "1h30m",
                           "5,5s",     "99999999999999999999s",
                           "2562048h", "9223372036854775808ns",
                           "nan",      "0x5s"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(parse_duration(text), doctest::Contains("100ms or 5s"), std::invalid_argument);
  }
}

TEST_CASE("a time is shown in its shortest form, which reads back the same") {
  const std::vector<std::pair<std::int64_t, std::string>> cases = {
      {0, "0s"},
      {1, "1ns"},
      {999, "999ns"},
      {1'500, "1.5us"},
      {100'000'000, "100ms"},
      {1'500'000'000, "1.5s"},
      {5'000'000'000, "5s"},
      {60'000'000'000, "1m"},
      {90'000'000'000, "90s"},
      {5'400'000'000'000, "90m"},
      {7'200'000'000'000, "2h"},
      {86'400'000'000'000, "24h"},
      {1'234'567'891, "1234567891ns"},
      {61'001'000'000, "61.001s"},
  };
  for (const auto& [ns, text] : cases) {
    CHECK(format_duration(nanoseconds(ns)) == text);
    CHECK(parse_duration(text) == nanoseconds(ns));
  }
}
