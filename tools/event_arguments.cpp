#include "tools/event_arguments.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "sweeps/event.h"
#include "tools/exit_codes.h"

namespace memtrack {
namespace {

template <typename Number>
Number parse_number(const std::string& name, std::string_view text, std::string_view right) {
  std::string_view digits = text;
  if (digits.starts_with('+')) {
    digits.remove_prefix(1);
  }
  Number number{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    throw UsageError(fmt::format("{} is '{}', and would have to be {}", name, text, right));
  }
  return number;
}

}  // namespace

std::vector<std::string> events_of_arguments(const std::vector<std::string>& arguments) {
  std::vector<std::string> events;
  std::optional<std::int64_t> epoch;
  std::vector<std::pair<std::string, double>> values;
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError(
          fmt::format("'{}' is no name=value; an example: memtrack log epoch=1 train_loss=0.31", argument));
    }
    const std::string name = argument.substr(0, equals);
    const std::string value = argument.substr(equals + 1);
    if (name == "phase") {
      if (value.empty()) {
        throw UsageError("phase is empty, and would have to be a word such as train");
      }
      events.push_back(encode_phase(value));
    } else if (name == "epoch") {
      epoch = parse_number<std::int64_t>(name, value, "a whole number such as 1");
    } else {
      values.emplace_back(name, parse_number<double>(name, value, "a number such as 0.31, nan or inf"));
    }
  }
  if (epoch) {
    events.push_back(encode_epoch({.epoch = *epoch, .values = values}));
    return events;
  }
  for (const auto& [name, value] : values) {
    events.push_back(encode_metric({.name = name, .value = value, .epoch = std::nullopt}));
  }
  return events;
}

}  // namespace memtrack
