#include "sweeps/checks.h"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "sweeps/nearest_name.h"
#include "sweeps/sweep.h"

namespace memtrack {

void refuse(const std::string& name, const ConfigNode& node, const std::string& right) {
  fail(node.mark, name + " is " + shown(node) + ", and would have to be " + right);
}

void refuse_key(const std::string& name, const ConfigMember& member, std::span<const std::string_view> known) {
  const std::string hint = did_you_mean(member.name, known);
  fail(member.mark, name + " has no " + quoted(member.name) + (hint.empty() ? "; it has " + join_names(known) : hint));
}

std::int64_t whole_number(const std::string& name, const ConfigNode& node, std::int64_t lowest, std::int64_t highest,
                          std::string_view example) {
  const auto* number = std::get_if<std::int64_t>(&node.data);
  if (number == nullptr || *number < lowest || *number > highest) {
    const bool bounded_above = highest < std::numeric_limits<std::int64_t>::max();
    const bool bounded_below = lowest > std::numeric_limits<std::int64_t>::min();
    const std::string range = bounded_above   ? " from " + std::to_string(lowest) + " to " + std::to_string(highest)
                              : bounded_below ? " from " + std::to_string(lowest) + " on"
                                              : "";
    refuse(name, node, "a whole number" + range + " such as " + std::string(example));
  }
  return *number;
}

double real_number(const std::string& name, const ConfigNode& node, std::string_view example) {
  double number = std::numeric_limits<double>::quiet_NaN();
  if (const auto* whole = std::get_if<std::int64_t>(&node.data)) {
    number = static_cast<double>(*whole);
  } else if (const auto* real = std::get_if<double>(&node.data)) {
    number = *real;
  }
  if (!std::isfinite(number)) {
    refuse(name, node, "a number such as " + std::string(example));
  }
  return number;
}

std::string text(const std::string& name, const ConfigNode& node, std::string_view example) {
  const std::string* value = node.text();
  if (value == nullptr || value->empty()) {
    refuse(name, node, "a text such as " + std::string(example));
  }
  return *value;
}

std::chrono::nanoseconds duration(const std::string& name, const ConfigNode& node, std::chrono::nanoseconds lowest,
                                  std::chrono::nanoseconds highest, std::string_view example) {
  const std::string right = "a time from " + format_duration(lowest) +
                            (highest == std::chrono::nanoseconds::max() ? " on" : " to " + format_duration(highest)) +
                            " with its unit, such as " + std::string(example);
  const std::string* value = node.text();
  if (value == nullptr) {
    refuse(name, node, right);
  }
  std::chrono::nanoseconds parsed{};
  try {
    parsed = parse_duration(*value);
  } catch (const std::invalid_argument&) {
    refuse(name, node, right);
  }
  if (parsed < lowest || parsed > highest) {
    refuse(name, node, right);
  }
  return parsed;
}

}  // namespace memtrack
