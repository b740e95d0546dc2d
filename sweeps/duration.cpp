#include <array>
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
  std::int64_t ns;
};
constexpr std::array<Unit, 6> kUnits = {{
    {"h", 3'600'000'000'000},
    {"m", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"ns", 1},
}};

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

[[noreturn]] void refuse(std::string_view text) {
  throw std::invalid_argument(quoted(text) +
                              " is no time: a number with one of the units ns, us, ms, s, m, h, such as 100ms or 5s");
}

const Unit& find_unit(std::string_view name, std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) {
      return unit;
    }
  }
  refuse(text);
}

// "1.5" of `unit`, empty text where the number needs more than three decimals.
std::string with_decimals(std::int64_t ns, const Unit& unit) {
  const std::int64_t thousandths_ns = unit.ns / 1000;
  if (ns < unit.ns || (ns % unit.ns != 0 && (thousandths_ns == 0 || ns % thousandths_ns != 0))) {
    return {};
  }
  std::string text = std::to_string(ns / unit.ns);
  if (const std::int64_t rest = ns % unit.ns; rest != 0) {
    std::string decimals = std::to_string(rest / thousandths_ns);
    decimals.insert(0, 3 - decimals.size(), '0');
    decimals.erase(decimals.find_last_not_of('0') + 1);
    text += "." + decimals;
  }
  return text.append(unit.name);
}

}  // namespace

std::chrono::nanoseconds parse_duration(std::string_view text) {
  const auto number = split_unit_number(text);
  if (!number) {
    refuse(text);
  }
  const Unit& unit = find_unit(number->unit, text);
  const auto whole_ns = scaled(number->whole, unit.ns);
  if (!whole_ns) {
    refuse(text);
  }
  std::int64_t ns = *whole_ns;
  std::int64_t scale = unit.ns;
  for (const char c : number->decimals) {
    scale /= 10;  // what is below a nanosecond is cut
    const std::int64_t part = scale * (c - '0');
    if (part > kMost - ns) {
      refuse(text);
    }
    ns += part;
  }
  return std::chrono::nanoseconds(ns);
}

std::string format_duration(std::chrono::nanoseconds duration) {
  if (duration.count() < 0) {
    return "-" + format_duration(-duration);
  }
  std::string shortest;
  for (const Unit& unit : kUnits) {
    const std::string text = with_decimals(duration.count(), unit);
    if (!text.empty() && (shortest.empty() || text.size() < shortest.size())) {
      shortest = text;
    }
  }
  return shortest.empty() ? "0s" : shortest;
}

}  // namespace memtrack
