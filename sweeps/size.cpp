#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <stdexcept>
#include <string>

#include "sweeps/nearest_name.h"
#include "sweeps/sweep.h"

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

std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

}  // namespace

std::int64_t parse_size(std::string_view text) {
  std::string_view rest = text;
  const std::string_view whole = take_digits(rest);
  std::string_view decimals;
  const bool has_point = rest.starts_with('.');
  if (has_point) {
    rest.remove_prefix(1);
    decimals = take_digits(rest);
  }
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& one) { return one.name == rest; });
  if (whole.empty() || has_point == decimals.empty() || decimals.size() > kMostDecimals || unit == kUnits.end()) {
    refuse(text);
  }
  std::int64_t count = 0;
  for (const char c : whole) {
    const std::int64_t digit = c - '0';
    if (count > (kMost / unit->bytes - digit) / 10) {
      refuse(text);
    }
    count = count * 10 + digit;
  }
  // What is below a byte is cut.
  const std::string fraction = "0." + std::string(decimals);
  double part = 0;
  std::from_chars(fraction.data(), fraction.data() + fraction.size(), part);
  const auto part_bytes = static_cast<std::int64_t>(part * static_cast<double>(unit->bytes));
  if (part_bytes > kMost - count * unit->bytes) {
    refuse(text);
  }
  return count * unit->bytes + part_bytes;
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
