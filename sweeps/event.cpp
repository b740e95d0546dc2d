#include "sweeps/event.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace memtrack {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDeepestNesting = 32;
constexpr std::size_t kLongestTensorList = 30000;

// What stands for a bare word of Python's at the start of `text`, and how long that word is; empty where there is none.
std::pair<std::string_view, std::size_t> bare_word(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kWords = {
      {{"NaN", "\"nan\""}, {"-Infinity", "\"-inf\""}, {"Infinity", "\"inf\""}}};
  for (const auto& [word, replacement] : kWords) {
    if (text.starts_with(word)) {
      return {replacement, word.size()};
    }
  }
  return {};
}

// The length of the JSON string, quotes included, at the start of `text`; all of it where its end is missing.
std::size_t string_length(std::string_view text) {
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') {
    end += text[end] == '\\' ? 2 : 1;
  }
  return std::min(end + 1, text.size());
}

// Python's json module writes NaN, Infinity and -Infinity bare, which is no JSON: put in quotes, they are strings that
// number() knows. Refuses nesting that would cost stack later.
std::string quote_bare_words(std::string_view text) {
  std::string result;
  result.reserve(text.size() + 16);
  int depth = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    std::size_t length = rest.front() == '"' ? string_length(rest) : 1;
    std::string_view replacement = rest.substr(0, length);
    if (const auto [quoted_word, word_length] = bare_word(rest); word_length > 0) {
      replacement = quoted_word;
      length = word_length;
    }
    depth += replacement == "{" || replacement == "[" ? 1 : 0;
    depth -= replacement == "}" || replacement == "]" ? 1 : 0;
    if (depth > kDeepestNesting) {
      throw EventError("an event is nested more than " + std::to_string(kDeepestNesting) + " deep");
    }
    result += replacement;
    i += length;
  }
  return result;
}

std::optional<double> word_as_number(std::string_view word) {
  std::string lower;
  for (const char c : word.substr(0, 12)) {
    lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (lower == "nan" || lower == "-nan") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (lower == "inf" || lower == "+inf" || lower == "infinity") {
    return kInfinity;
  }
  if (lower == "-inf" || lower == "-infinity") {
    return -kInfinity;
  }
  return std::nullopt;
}

std::optional<double> number(const Json& value) {
  if (value.is_number()) {
    return value.get<double>();
  }
  if (value.is_null()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (value.is_string()) {
    return word_as_number(value.get_ref<const std::string&>());
  }
  return std::nullopt;
}

// A whole number, also written as 3.0, as languages without integers do.
std::optional<std::int64_t> whole_number(const Json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || !found->is_number()) {
    return std::nullopt;
  }
  if (found->is_number_unsigned() &&
      found->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  if (found->is_number_integer()) {
    return found->get<std::int64_t>();
  }
  const double real = found->get<double>();
  if (std::trunc(real) != real || std::abs(real) > 9007199254740992.0) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(real);
}

std::string text_member(const Json& object, const char* member, std::string_view event,
                        std::size_t most_bytes = kMaxEventNameBytes) {
  const auto found = object.find(member);
  if (found == object.end() || !found->is_string()) {
    throw EventError("an event" + (event.empty() ? std::string() : " '" + std::string(event) + "'") +
                     " has no member \"" + member + "\" that is a string");
  }
  std::string text = found->get<std::string>();
  if (text.empty() || text.size() > most_bytes) {
    throw EventError("the member \"" + std::string(member) + "\" of an event has " + std::to_string(text.size()) +
                     " bytes, and would have to have 1 to " + std::to_string(most_bytes));
  }
  return text;
}

EpochEvent epoch_event(const Json& object) {
  const std::optional<std::int64_t> epoch = whole_number(object, "epoch");
  if (!epoch) {
    throw EventError("an event 'epoch' has no member \"epoch\" that is a whole number");
  }
  EpochEvent event{.epoch = *epoch, .values = {}};
  for (const auto& [member, value] : object.items()) {
    if (is_reserved_member(member) || member.empty() || member.size() > kMaxEventNameBytes) {
      continue;
    }
    if (const std::optional<double> real = number(value)) {
      event.values.emplace_back(member, *real);
    }
  }
  return event;
}

MetricEvent metric_event(const Json& object) {
  MetricEvent event{.name = text_member(object, "name", "metric"), .value = 0, .epoch = whole_number(object, "epoch")};
  const auto value = object.find("value");
  const std::optional<double> real = value == object.end() ? std::nullopt : number(*value);
  if (!real) {
    throw EventError("an event 'metric' has no member \"value\" that is a number");
  }
  event.value = *real;
  return event;
}

Json json_number(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  if (std::isinf(value)) {
    return value > 0 ? "inf" : "-inf";
  }
  // Whole numbers without ".0": counts of bytes stay readable.
  if (std::trunc(value) == value && std::abs(value) < 9007199254740992.0) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

Json tensor_json(const TensorMemory& tensors) {
  Json object = {{"kind", tensors.kind}};
  if (!tensors.layer.empty()) {
    object["layer"] = tensors.layer;
  }
  object["bytes"] = tensors.bytes;
  if (tensors.peak_bytes != tensors.bytes) {
    object["peak_bytes"] = tensors.peak_bytes;
  }
  return object;
}

// Names that are not UTF-8 lose their odd bytes rather than the event.
std::string text_of(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

bool is_reserved_member(std::string_view name) {
  return name == "event" || name == "epoch" || name == "seq" || name == "sender" || name == "name";
}

std::string_view Event::name() const {
  struct Name {
    std::string_view operator()(const PhaseEvent&) const { return "phase"; }
    std::string_view operator()(const EpochEvent&) const { return "epoch"; }
    std::string_view operator()(const MetricEvent&) const { return "metric"; }
    std::string_view operator()(const FailureEvent&) const { return "failure"; }
    std::string_view operator()(const OtherEvent& other) const { return other.name; }
  };
  return std::visit(Name(), what);
}

Event decode_event(std::string_view datagram) {
  if (datagram.size() > kMaxEventBytes) {
    throw EventError("an event has " + std::to_string(datagram.size()) + " bytes, and may have " +
                     std::to_string(kMaxEventBytes));
  }
  Json object;
  try {
    object = Json::parse(quote_bare_words(datagram));
  } catch (const Json::exception& error) {
    throw EventError(std::string("an event is not JSON: ") + error.what());
  }
  if (!object.is_object()) {
    throw EventError("an event is not a JSON object");
  }
  Event event;
  const std::string name = text_member(object, "event", "");
  if (name == "phase") {
    event.what = PhaseEvent{.name = text_member(object, "name", "phase")};
  } else if (name == "epoch") {
    event.what = epoch_event(object);
  } else if (name == "metric") {
    event.what = metric_event(object);
  } else if (name == "failure") {
    event.what = FailureEvent{.reason = text_member(object, "reason", name, kMaxFailureBytes)};
  } else {
    event.what = OtherEvent{.name = name};
  }
  event.seq = whole_number(object, "seq");
  event.sender = whole_number(object, "sender");
  event.body = text_of(object);
  return event;
}

std::string encode_phase(std::string_view name) {
  return text_of(Json{{"event", "phase"}, {"name", std::string(name)}});
}

std::string encode_epoch(const EpochEvent& event) {
  Json object = {{"event", "epoch"}, {"epoch", event.epoch}};
  for (const auto& [name, value] : event.values) {
    if (!is_reserved_member(name)) {
      object[name] = json_number(value);
    }
  }
  return text_of(object);
}

std::string encode_metric(const MetricEvent& event) {
  Json object = {{"event", "metric"}, {"name", event.name}, {"value", json_number(event.value)}};
  if (event.epoch) {
    object["epoch"] = *event.epoch;
  }
  return text_of(object);
}

std::string encode_failure(std::string_view reason) {
  return text_of(Json{{"event", "failure"}, {"reason", std::string(reason)}});
}

std::vector<std::string> encode_tensor_memory(std::string_view phase, std::span<const TensorMemory> tensors) {
  std::vector<std::string> events;
  Json list = Json::array();
  std::size_t list_bytes = 0;
  const auto close_list = [&] {
    events.push_back(text_of(Json{
        {"event", "tensor_memory"}, {"phase", std::string(phase)}, {"tensors", std::exchange(list, Json::array())}}));
    list_bytes = 0;
  };
  for (const TensorMemory& each : tensors) {
    Json object = tensor_json(each);
    const std::size_t bytes = text_of(object).size() + 1;
    if (list_bytes > 0 && list_bytes + bytes > kLongestTensorList) {
      close_list();
    }
    list.push_back(std::move(object));
    list_bytes += bytes;
  }
  close_list();
  return events;
}

}  // namespace memtrack
