#include "sweeps/config_node.h"

#include "sweeps/nearest_name.h"
#include "sweeps/sweep.h"

namespace memtrack {

std::string to_string(const Mark& mark) {
  const std::string source = mark.source ? *mark.source : std::string();
  return mark.line == 0 ? source : source + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

void fail(const Mark& mark, const std::string& sentence) {
  throw SweepError(to_string(mark) + ": " + sentence);
}

const ConfigNode* ConfigNode::find(std::string_view name) const {
  if (const ConfigMap* members = map()) {
    for (const ConfigMember& member : *members) {
      if (member.name == name) {
        return &member.node;
      }
    }
  }
  return nullptr;
}

ParameterValue to_value(const ConfigNode& node) {
  struct Converter {
    ParameterValue operator()(const ConfigList& list) const {
      ValueList result;
      result.reserve(list.size());
      for (const ConfigNode& item : list) {
        result.push_back(to_value(item));
      }
      return {result};
    }
    ParameterValue operator()(const ConfigMap& map) const {
      ValueDict result;
      result.reserve(map.size());
      for (const ConfigMember& member : map) {
        result.push_back({member.name, to_value(member.node)});
      }
      return {result};
    }
    ParameterValue operator()(std::monostate) const { return {}; }
    ParameterValue operator()(bool value) const { return {value}; }
    ParameterValue operator()(std::int64_t value) const { return {value}; }
    ParameterValue operator()(double value) const { return {value}; }
    ParameterValue operator()(const std::string& value) const { return {value}; }
  };
  return std::visit(Converter(), node.data);
}

std::string shown(const ConfigNode& node) {
  if (const std::string* text = node.text()) {
    return quoted(*text);
  }
  if (std::holds_alternative<std::monostate>(node.data)) {
    return "empty";
  }
  if (const auto* number = std::get_if<double>(&node.data)) {
    return python_float(*number);
  }
  const std::string cut = quoted(to_json(to_value(node), JsonStyle::yaml));
  return cut.substr(1, cut.size() - 2);
}

}  // namespace memtrack
