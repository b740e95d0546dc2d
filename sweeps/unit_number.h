#pragma once

// "1.5GiB", "100ms": a decimal number and its unit. Pure.

#include <cstdint>
#include <optional>
#include <string_view>

namespace memtrack {

struct UnitNumber {
  std::string_view whole;     // digits, at least one
  std::string_view decimals;  // digits behind the point; empty: there is no point
  std::string_view unit;      // all that comes behind
};

// nullopt: no number in front.
std::optional<UnitNumber> split_unit_number(std::string_view text);

// The digits as a number, times `factor`. nullopt: too large.
std::optional<std::int64_t> scaled(std::string_view digits, std::int64_t factor);

}  // namespace memtrack
