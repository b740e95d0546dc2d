#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sweeps/sweep.h"

using memtrack::format_size;
using memtrack::parse_size;

TEST_CASE("a size is a number with its unit, of 1000 or of 1024") {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"0B", 0},
      {"17B", 17},
      {"1kB", 1000},
      {"1KiB", 1024},
      {"512MiB", 536'870'912},
      {"512MB", 512'000'000},
      {"8GiB", 8'589'934'592},
      {"2GB", 2'000'000'000},
      {"1.5GiB", 1'610'612'736},
      {"0.5KiB", 512},
      {"1TB", 1'000'000'000'000},
      {"1TiB", 1'099'511'627'776},
      {"9223372036854775807B", 9'223'372'036'854'775'807},
  };
  for (const auto& [text, bytes] : cases) {
    CAPTURE(text);
    CHECK(parse_size(text) == bytes);
  }
}

TEST_CASE("what is no size is refused with what would be right") {
  for (const char* text : {"", "8", "GiB", "8G", "8Gi", "8gib", "8 GiB", " 8GiB", "8GiB ", "-8GiB", "+8GiB", "1e3MiB",
                           ".5GiB", "8.GiB", "8,5GiB", "9223372036854775808B", "9000000TiB", "1.0123456789GiB"}) {
    CAPTURE(text);
    try {
      parse_size(text);
      FAIL("accepted");
    } catch (const std::invalid_argument& error) {
      CHECK(std::string(error.what()).find("such as 8GiB") != std::string::npos);
    }
  }
}

TEST_CASE("a size is written in the shortest form that reads back to the same") {
  const std::vector<std::pair<std::int64_t, std::string>> cases = {
      {0, "0B"},
      {1, "1B"},
      {1024, "1KiB"},
      {1000, "1kB"},
      {512 << 20, "512MiB"},
      {8'589'934'592, "8GiB"},
      {2'000'000'000, "2GB"},
      {1'610'612'736, "1536MiB"},
      {1'234'567, "1234567B"},
  };
  for (const auto& [bytes, text] : cases) {
    CHECK(format_size(bytes) == text);
    CHECK(parse_size(text) == bytes);
  }
}
