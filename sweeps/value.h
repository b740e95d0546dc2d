#pragma once

// The value of a hyperparameter: what YAML and JSON can say, printed as Python prints it, since the programs that are
// swept were written for an agent in Python.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace memtrack {

struct ParameterValue;
struct ValueMember;
using ValueList = std::vector<ParameterValue>;
using ValueDict = std::vector<ValueMember>;  // in the file's order, names unique

struct ParameterValue {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, ValueList, ValueDict> data;
};

struct ValueMember {
  std::string name;
  ParameterValue value;
};

// Python's repr of a float: shortest text that reads back the same, "1e-05" below 0.0001 and from 1e16 on.
std::string python_float(double number);

// Python's str(): True, None, 0.001, adam, [128, 64], {'lr': 0.1, 'name': 'adam'}
std::string python_str(const ParameterValue& value);

enum class JsonStyle {
  compact,  // {"a":1.0}; NaN and infinities as the strings "nan", "inf", "-inf"
  python,   // json.dumps: {"a": 1.0}, all but ASCII escaped, NaN and Infinity bare
  yaml,     // compact, readable as YAML 1.1 too, where 1e-05 would be text: {"a":1.0e-05}
};

std::string to_json(const ParameterValue& value, JsonStyle style);
std::string json_string(std::string_view text, JsonStyle style);

}  // namespace memtrack
