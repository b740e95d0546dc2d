#pragma once

// What a parameter may be: one value, some values, or a range to draw from. Names and meanings are those of Weights &
// Biases; layer_widths is ours.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sweeps/config_node.h"
#include "sweeps/random.h"
#include "sweeps/value.h"

namespace memtrack {

struct ConstantValue {
  ParameterValue value;
};

struct Categorical {
  std::vector<ParameterValue> values;
  std::vector<double> probabilities;  // empty: all alike
};

struct IntUniform {
  std::int64_t min = 0;
  std::int64_t max = 0;
};

// A real number: drawn in one of these shapes, then carried over into its own scale, then rounded to multiples of q.
struct Continuous {
  enum class Shape { uniform, normal, beta };
  enum class Scale { linear, exponential, inverse_exponential };
  Shape shape = Shape::uniform;
  Scale scale = Scale::linear;
  double first = 0;   // min, mu or a; of the logarithm where the scale is exponential
  double second = 1;  // max, sigma or b
  double lowest = -std::numeric_limits<double>::infinity();  // exp(log(x)) may be a little beside x
  double highest = std::numeric_limits<double>::infinity();
  std::optional<double> q = std::nullopt;
  bool whole = false;         // q is a whole number or left out: so is what is drawn
  bool whole_bounds = false;  // as are min and max: so is what a grid goes through
};

// Lists of whole numbers: as many as depth says, each as width says.
struct LayerWidths {
  IntUniform depth;
  IntUniform width;
};

struct Distribution {
  std::variant<ConstantValue, Categorical, IntUniform, Continuous, LayerWidths> what;
  std::string name;  // "log_uniform_values"
};

// Reads {value: 2}, {values: [1, 2]}, {min: 1, max: 9}, {distribution: normal, mu: 0, sigma: 1}, ... `parameter` is for
// messages. Throws SweepError.
Distribution parse_distribution(const std::string& parameter, const ConfigNode& node);

// Number of values that a grid goes through; nullopt where they cannot be counted.
std::optional<std::int64_t> grid_count(const Distribution& distribution);
ParameterValue grid_value(const Distribution& distribution, std::int64_t index);

ParameterValue draw(const Distribution& distribution, Random& random);

// All listed values, or the least and the greatest of a range; none where it is open. For checking before anything
// runs.
std::vector<ParameterValue> extreme_values(const Distribution& distribution);

}  // namespace memtrack
