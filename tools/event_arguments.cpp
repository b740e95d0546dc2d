#include "tools/event_arguments.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <set>
#include <string_view>

#include "sweeps/event.h"
#include "tools/exit_codes.h"
#include "tools/text.h"

namespace memtrack {
namespace {

// Somebody else's words in a sentence of ours.
std::string shown(std::string_view text) {
  constexpr std::size_t kMostShown = 60;
  return truncate_to_width(escape_controls(text), kMostShown);
}

void check_name(std::string_view name) {
  if (!is_utf8(name)) {
    throw UsageError(fmt::format("'{}' is no UTF-8, and could not be kept as it is", shown(name)));
  }
  if (name.size() > kMaxEventNameBytes) {
    throw UsageError(fmt::format("'{}' has {} bytes, and may have {}", shown(name), name.size(), kMaxEventNameBytes));
  }
}

template <typename Number>
Number parse_number(const std::string& name, std::string_view text, std::string_view right) {
  std::string_view digits = text;
  if (digits.starts_with('+') && !digits.starts_with("+-")) {
    digits.remove_prefix(1);
  }
  Number number{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    throw UsageError(fmt::format("{} is '{}', and would have to be {}", name, shown(text), right));
  }
  return number;
}

void check_values_of_epoch(const std::vector<std::pair<std::string, double>>& values) {
  for (const auto& [name, value] : values) {
    if (is_reserved_member(name)) {
      throw UsageError(fmt::format("{} is a word of the event itself; name the figure otherwise", name));
    }
  }
}

void check_size(std::string_view event) {
  constexpr std::size_t kForItsNumber = 64;
  if (event.size() + kForItsNumber > kMaxEventBytes) {
    throw UsageError(fmt::format("one epoch has {} bytes of figures, and may have {}; send some of them without it",
                                 event.size(), kMaxEventBytes - kForItsNumber));
  }
}

}  // namespace

std::vector<std::string> events_of_arguments(const std::vector<std::string>& arguments) {
  std::vector<std::string> events;
  std::optional<std::int64_t> epoch;
  std::vector<std::pair<std::string, double>> values;
  std::set<std::string> names;
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError(
          fmt::format("'{}' is no name=value; an example: memtrack log epoch=1 train_loss=0.31", shown(argument)));
    }
    const std::string name = argument.substr(0, equals);
    const std::string value = argument.substr(equals + 1);
    check_name(name);
    if (!names.insert(name).second) {
      throw UsageError(fmt::format("{} is given twice", shown(name)));
    }
    if (name == "phase") {
      check_name(value);
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
    check_values_of_epoch(values);
    events.push_back(encode_epoch({.epoch = *epoch, .values = values}));
    check_size(events.back());
    return events;
  }
  for (const auto& [name, value] : values) {
    events.push_back(encode_metric({.name = name, .value = value, .epoch = std::nullopt}));
  }
  return events;
}

}  // namespace memtrack
