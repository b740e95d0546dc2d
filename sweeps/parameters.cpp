#include "sweeps/parameters.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "sweeps/checks.h"
#include "sweeps/nearest_name.h"

namespace memtrack {
namespace {

constexpr std::size_t kLongestName = 256;

void check_name(const std::string& name, const Mark& mark) {
  const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c != '\n' && c != '='; });
  if (name.empty() || name.size() > kLongestName || !printable) {
    fail(mark, "the name of a parameter is " + quoted(name) + ", and would have to be 1 to " +
                   std::to_string(kLongestName) + " bytes without '='");
  }
}

Parameters parse_level(const ConfigNode& node, const std::string& prefix) {
  const std::string called = prefix.empty() ? "parameters" : "parameters of " + prefix;
  if (node.map() == nullptr || node.map()->empty()) {
    refuse(called, node, "a map of at least one parameter such as {learning_rate: {values: [0.001, 0.01]}}");
  }
  Parameters result;
  for (const ConfigMember& member : *node.map()) {
    check_name(member.name, member.mark);
    const std::string path = prefix.empty() ? member.name : prefix + "." + member.name;
    const ConfigNode* inner = member.node.find("parameters");
    if (inner == nullptr) {
      result.push_back({member.name, member.node.mark, parse_distribution(path, member.node)});
      continue;
    }
    for (const ConfigMember& other : *member.node.map()) {
      if (other.name != "parameters") {
        fail(other.mark, path + " has nested parameters and " + quoted(other.name) + ", and may have one of both");
      }
    }
    result.push_back({member.name, member.node.mark, parse_level(*inner, path)});
  }
  return result;
}

// Goes through the nested tree and puts one value in place of each distribution.
ValueDict values_of(const Parameters& parameters, const std::string& prefix,
                    const std::function<ParameterValue(const Parameter&, const std::string& path)>& value) {
  ValueDict result;
  result.reserve(parameters.size());
  for (const Parameter& parameter : parameters) {
    const std::string path = prefix + parameter.name;
    ParameterValue one = parameter.nested() != nullptr
                             ? ParameterValue{values_of(*parameter.nested(), path + ".", value)}
                             : value(parameter, path);
    result.push_back({parameter.name, std::move(one)});
  }
  return result;
}

void collect(const Parameters& parameters, std::vector<const Parameter*>& leaves) {
  for (const Parameter& parameter : parameters) {
    if (parameter.nested() != nullptr) {
      collect(*parameter.nested(), leaves);
    } else {
      leaves.push_back(&parameter);
    }
  }
}

ParameterValue* find_member(ValueDict& dict, std::string_view name) {
  const auto found =
      std::find_if(dict.begin(), dict.end(), [&](const ValueMember& member) { return member.name == name; });
  return found == dict.end() ? nullptr : &found->value;
}

// Dicts are laid over each other, everything else replaces.
void lay_over(ValueDict& below, const ValueDict& above) {
  for (const auto& [name, value] : above) {
    ParameterValue* existing = find_member(below, name);
    if (existing == nullptr) {
      below.push_back({name, value});
      continue;
    }
    auto* inner = std::get_if<ValueDict>(&existing->data);
    const auto* over = std::get_if<ValueDict>(&value.data);
    if (inner != nullptr && over != nullptr) {
      lay_over(*inner, *over);
    } else {
      *existing = value;
    }
  }
}

bool remove_path(ValueDict& dict, std::string_view name) {
  if (std::erase_if(dict, [&](const ValueMember& member) { return member.name == name; }) > 0) {
    return true;
  }
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    ParameterValue* outer = find_member(dict, name.substr(0, dot));
    auto* inner = outer == nullptr ? nullptr : std::get_if<ValueDict>(&outer->data);
    if (inner != nullptr && remove_path(*inner, name.substr(dot + 1))) {
      return true;
    }
  }
  return false;
}

}  // namespace

Parameters parse_parameters(const ConfigNode& node) {
  return parse_level(node, "");
}

std::vector<Row> parse_rows(const ConfigNode& node) {
  if (node.list() == nullptr || node.list()->empty()) {
    refuse("trials", node, "a list of at least one row such as {learning_rate: 0.001, epochs: 2}");
  }
  std::vector<Row> rows;
  rows.reserve(node.list()->size());
  for (const ConfigNode& item : *node.list()) {
    if (item.map() == nullptr) {
      refuse("a row of trials", item, "a map such as {learning_rate: 0.001, epochs: 2}");
    }
    Row row;
    for (const ConfigMember& member : *item.map()) {
      check_name(member.name, member.mark);
      row.values.push_back({member.name, to_value(member.node)});
      row.marks.push_back(member.node.mark);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void fix_parameter(Parameters& parameters, const std::string& name, const ConfigNode& value) {
  check_name(name, value.mark);
  Parameter fixed{name, value.mark, Distribution{ConstantValue{to_value(value)}, "constant"}};
  for (Parameter& parameter : parameters) {
    if (parameter.name == name) {
      parameter = std::move(fixed);
      return;
    }
  }
  for (Parameter& parameter : parameters) {
    auto* nested = std::get_if<std::vector<Parameter>>(&parameter.what);
    if (nested != nullptr && name.starts_with(parameter.name + ".")) {
      fix_parameter(*nested, name.substr(parameter.name.size() + 1), value);
      return;
    }
  }
  parameters.push_back(std::move(fixed));
}

void remove_from_row(Row& row, std::string_view name) {
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    if (row.values[i].name == name) {
      row.values.erase(row.values.begin() + static_cast<std::ptrdiff_t>(i));
      row.marks.erase(row.marks.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
  }
  remove_path(row.values, name);
}

std::int64_t count_grid(const Parameters& parameters, std::int64_t most) {
  std::vector<const Parameter*> leaves;
  collect(parameters, leaves);
  std::int64_t total = 1;
  for (const Parameter* leaf : leaves) {
    const std::optional<std::int64_t> count = grid_count(*leaf->distribution());
    if (!count) {
      fail(leaf->mark, leaf->name + " is drawn from " + leaf->distribution()->name +
                           ", which a grid cannot go through, and would have to be a value, values without "
                           "probabilities, int_uniform or q_uniform; or the method random");
    }
    total = *count > most / total ? most + 1 : total * *count;
    if (total > most) {
      return most + 1;
    }
  }
  return total;
}

void check_constant(const Parameters& parameters) {
  std::vector<const Parameter*> leaves;
  collect(parameters, leaves);
  for (const Parameter* leaf : leaves) {
    if (!std::holds_alternative<ConstantValue>(leaf->distribution()->what)) {
      fail(leaf->mark, leaf->name + " is drawn from " + leaf->distribution()->name +
                           ", but method list draws nothing; give {value: ...} here, and what differs in trials");
    }
  }
}

ValueDict grid_values(const Parameters& parameters, std::int64_t index) {
  std::vector<const Parameter*> leaves;
  collect(parameters, leaves);
  std::vector<ParameterValue> picked(leaves.size());
  for (std::size_t i = leaves.size(); i-- > 0;) {
    const Distribution& distribution = *leaves[i]->distribution();
    const std::int64_t count = grid_count(distribution).value_or(1);
    picked[i] = grid_value(distribution, index % count);
    index /= count;
  }
  std::size_t next = 0;
  return values_of(parameters, "", [&](const Parameter&, const std::string&) { return std::move(picked[next++]); });
}

ValueDict drawn_values(const Parameters& parameters, std::uint64_t seed, std::int64_t index) {
  return values_of(parameters, "", [&](const Parameter& parameter, const std::string& path) {
    Random random(seed, path, static_cast<std::uint64_t>(index));
    return draw(*parameter.distribution(), random);
  });
}

ValueDict row_values(const Parameters& parameters, const Row& row) {
  ValueDict values = values_of(parameters, "", [](const Parameter& parameter, const std::string&) {
    return grid_value(*parameter.distribution(), 0);
  });
  lay_over(values, row.values);
  return values;
}

const ParameterValue* find_value(const ValueDict& values, std::string_view path) {
  for (const auto& [name, value] : values) {
    if (name == path) {
      return &value;
    }
  }
  for (const auto& [name, value] : values) {
    const auto* inner = std::get_if<ValueDict>(&value.data);
    if (inner != nullptr && path.starts_with(name + ".")) {
      if (const ParameterValue* found = find_value(*inner, path.substr(name.size() + 1))) {
        return found;
      }
    }
  }
  return nullptr;
}

}  // namespace memtrack
