#include "sweeps/unit_number.h"

#include <algorithm>
#include <limits>

namespace memtrack {
namespace {

std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

}  // namespace

std::optional<UnitNumber> split_unit_number(std::string_view text) {
  UnitNumber number;
  number.whole = take_digits(text);
  const bool has_point = text.starts_with('.');
  if (has_point) {
    text.remove_prefix(1);
    number.decimals = take_digits(text);
  }
  number.unit = text;
  return number.whole.empty() || (has_point && number.decimals.empty()) ? std::nullopt : std::optional(number);
}

std::optional<std::int64_t> scaled(std::string_view digits, std::int64_t factor) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t count = 0;
  for (const char c : digits) {
    const std::int64_t digit = c - '0';
    if (count > (kMost / factor - digit) / 10) {
      return std::nullopt;
    }
    count = count * 10 + digit;
  }
  return count * factor;
}

}  // namespace memtrack
