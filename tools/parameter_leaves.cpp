#include "tools/parameter_leaves.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/text.h"

namespace memtrack {
namespace {

using nlohmann::ordered_json;

std::string widths_text(const ordered_json& list) {
  std::string text;
  for (const auto& width : list) {
    text += fmt::format("{}{}", text.empty() ? "" : "-", width.get<std::int64_t>());
  }
  return text;
}

bool is_list_of_widths(const ordered_json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const auto& width) { return width.is_number_integer(); });
}

std::string dumped(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string leaf_text(const ordered_json& value) {
  if (value.is_string()) {
    return escape_controls(value.get<std::string>());
  }
  return is_list_of_widths(value) ? widths_text(value) : dumped(value);
}

void collect(const ordered_json& object, const std::string& prefix, std::vector<ParameterLeaf>& leaves) {
  for (const auto& [name, value] : object.items()) {
    if (value.is_object() && !value.empty()) {
      collect(value, prefix + name + ".", leaves);
    } else {
      leaves.push_back({prefix + name, dumped(value), leaf_text(value)});
    }
  }
}

}  // namespace

std::vector<ParameterLeaf> parameter_leaves(std::string_view parameters_json) {
  std::vector<ParameterLeaf> leaves;
  collect(ordered_json::parse(parameters_json), "", leaves);
  return leaves;
}

bool has_own_column(const TypedValues& typed, const ParameterLeaf& leaf) {
  const ordered_json value = ordered_json::parse(leaf.json);
  const auto is = [&](const auto& column) { return column && value == ordered_json(*column); };
  return is(typed.dataset) || is(typed.learning_rate) || is(typed.epochs) || is(typed.batch_size) ||
         (typed.hidden_layers && value.is_array() && value == ordered_json::parse(*typed.hidden_layers));
}

std::string layers_text(std::string_view json) {
  const ordered_json list = ordered_json::parse(json, nullptr, false);
  return is_list_of_widths(list) ? widths_text(list) : escape_controls(json);
}

}  // namespace memtrack
