#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <stdexcept>
#include <string>

#include "sweeps/nearest_name.h"
#include "sweeps/sweep.h"
#include "sweeps/unit_number.h"

namespace memtrack {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t bytes;
};
constexpr std::array<Unit, 9> kUnits = {{
    {"TiB", std::int64_t{1} << 40},
    {"GiB", std::int64_t{1} << 30},
    {"MiB", std::int64_t{1} << 20},
    {"KiB", std::int64_t{1} << 10},
    {"TB", 1'000'000'000'000},
    {"GB", 1'000'000'000},
    {"MB", 1'000'000},
    {"kB", 1'000},
    {"B", 1},
}};

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMostDecimals = 9;

[[noreturn]] void refuse(std::string_view text) {
  throw std::invalid_argument(
      quoted(text) + " is no size: a number with one of the units B, kB, KiB, MB, MiB, GB, GiB, TB, TiB, such as 8GiB");
}

}  // namespace

std::int64_t parse_size(std::string_view text) {
  const auto number = split_unit_number(text);
  if (!number || number->decimals.size() > kMostDecimals) {
    refuse(text);
  }
  const auto unit =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& one) { return one.name == number->unit; });
  if (unit == kUnits.end()) {
    refuse(text);
  }
  const auto bytes = scaled(number->whole, unit->bytes);
  if (!bytes) {
    refuse(text);
  }
  // What is below a byte is cut.
  const std::string fraction = "0." + std::string(number->decimals);
  double part = 0;
  std::from_chars(fraction.data(), fraction.data() + fraction.size(), part);
  const auto part_bytes = static_cast<std::int64_t>(part * static_cast<double>(unit->bytes));
  if (part_bytes > kMost - *bytes) {
    refuse(text);
  }
  return *bytes + part_bytes;
}

std::string format_size(std::int64_t bytes) {
  std::string shortest;
  for (const Unit& unit : kUnits) {
    if (bytes % unit.bytes != 0) {
      continue;
    }
    const std::string text = std::to_string(bytes / unit.bytes).append(unit.name);
    if (shortest.empty() || text.size() < shortest.size()) {
      shortest = text;
    }
  }
  return bytes == 0 ? "0B" : shortest;
}

}  // namespace memtrack
