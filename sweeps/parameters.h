#pragma once

// The parameters of a sweep and the trials that they span.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sweeps/config_node.h"
#include "sweeps/distribution.h"
#include "sweeps/value.h"

namespace memtrack {

struct Parameter {
  std::string name;
  Mark mark;  // of what it may be
  // A distribution, or the parameters nested in this one.
  std::variant<Distribution, std::vector<Parameter>> what;

  const Distribution* distribution() const { return std::get_if<Distribution>(&what); }
  const std::vector<Parameter>* nested() const { return std::get_if<std::vector<Parameter>>(&what); }
};
using Parameters = std::vector<Parameter>;

// A row of method list.
struct Row {
  ValueDict values;
  std::vector<Mark> marks;  // of each value
};

// Reads `parameters:`. Throws SweepError.
Parameters parse_parameters(const ConfigNode& node);

// Reads `trials:`. Throws SweepError.
std::vector<Row> parse_rows(const ConfigNode& node);

// Fixes one parameter, "lr" or nested "optimizer.lr", to a value; adds it where there is none of the name.
void fix_parameter(Parameters& parameters, const std::string& name, const ConfigNode& value);

// Takes a parameter that is fixed by the command line out of a row.
void remove_from_row(Row& row, std::string_view name);

// Number of combinations, at most `most` + 1. Throws SweepError at a parameter that no grid can go through.
std::int64_t count_grid(const Parameters& parameters, std::int64_t most);

// Throws SweepError at a parameter that is no constant: method list draws nothing.
void check_constant(const Parameters& parameters);

// Combination `index` from 0; the last parameter changes first.
ValueDict grid_values(const Parameters& parameters, std::int64_t index);

ValueDict drawn_values(const Parameters& parameters, std::uint64_t seed, std::int64_t index);

// What the row says, over what `parameters` say.
ValueDict row_values(const Parameters& parameters, const Row& row);

// The value at "lr" or "optimizer.lr"; nullptr where there is none.
const ParameterValue* find_value(const ValueDict& values, std::string_view path);

}  // namespace memtrack
