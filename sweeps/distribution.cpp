#include "sweeps/distribution.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace memtrack {
namespace {

constexpr double kLargestWhole = 9007199254740992.0;  // 2^53: beyond it not every whole number is a double

double uniform(const Continuous& range, Random& random) {
  return range.first + (range.second - range.first) * random.unit();
}

double shape_draw(const Continuous& range, Random& random) {
  switch (range.shape) {
    case Continuous::Shape::uniform:
      return uniform(range, random);
    case Continuous::Shape::normal:
      return range.first + range.second * random.normal();
    case Continuous::Shape::beta:
      return random.beta(range.first, range.second);
  }
  return 0;
}

// From the shape's scale to the parameter's, rounded as the distribution says: round(x / q) * q, halves to even.
ParameterValue carried_over(const Continuous& range, double drawn) {
  double x = drawn;
  if (range.scale == Continuous::Scale::exponential) {
    x = std::exp(drawn);
  } else if (range.scale == Continuous::Scale::inverse_exponential) {
    x = std::exp(-drawn);
  }
  x = std::clamp(x, range.lowest, range.highest);
  if (range.q) {
    x = std::nearbyint(x / *range.q) * *range.q;
    if (range.whole && std::abs(x) <= kLargestWhole) {
      return {static_cast<std::int64_t>(x)};
    }
  }
  return {x == 0 ? 0.0 : x};  // never -0.0
}

std::int64_t drawn_index(const Categorical& categorical, Random& random) {
  const auto count = static_cast<std::int64_t>(categorical.values.size());
  if (categorical.probabilities.empty()) {
    return random.between(0, count - 1);
  }
  double rest = random.unit();
  std::int64_t last_possible = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double probability = categorical.probabilities[static_cast<std::size_t>(i)];
    if (probability > 0) {
      last_possible = i;
      if (rest < probability) {
        return i;
      }
      rest -= probability;
    }
  }
  return last_possible;  // the probabilities add up to a little less than 1
}

struct Drawer {
  Random& random;
  ParameterValue operator()(const ConstantValue& constant) const { return constant.value; }
  ParameterValue operator()(const Categorical& categorical) const {
    return categorical.values[static_cast<std::size_t>(drawn_index(categorical, random))];
  }
  ParameterValue operator()(const IntUniform& range) const { return {random.between(range.min, range.max)}; }
  ParameterValue operator()(const Continuous& range) const { return carried_over(range, shape_draw(range, random)); }
  ParameterValue operator()(const LayerWidths& layers) const {
    const std::int64_t depth = random.between(layers.depth.min, layers.depth.max);
    ValueList widths;
    for (std::int64_t i = 0; i < depth; ++i) {
      widths.push_back({random.between(layers.width.min, layers.width.max)});
    }
    return {widths};
  }
};

// As numpy.arange does it for W&B: from min by steps of q, max left out.
std::optional<std::int64_t> count_steps(const Continuous& range) {
  const double steps = std::ceil((range.second - range.first) / *range.q);
  return steps > kLargestWhole ? std::nullopt
                               : std::optional(std::max<std::int64_t>(1, static_cast<std::int64_t>(steps)));
}

struct GridCounter {
  std::string_view name;
  std::optional<std::int64_t> operator()(const ConstantValue&) const { return 1; }
  std::optional<std::int64_t> operator()(const Categorical& categorical) const {
    return categorical.probabilities.empty() ? std::optional(static_cast<std::int64_t>(categorical.values.size()))
                                             : std::nullopt;
  }
  std::optional<std::int64_t> operator()(const IntUniform& range) const {
    const std::uint64_t steps = static_cast<std::uint64_t>(range.max) - static_cast<std::uint64_t>(range.min);
    return steps > static_cast<std::uint64_t>(kLargestWhole) ? static_cast<std::int64_t>(kLargestWhole)
                                                             : static_cast<std::int64_t>(steps) + 1;
  }
  std::optional<std::int64_t> operator()(const Continuous& range) const {
    return name == "q_uniform" ? count_steps(range) : std::nullopt;
  }
  std::optional<std::int64_t> operator()(const LayerWidths&) const { return std::nullopt; }
};

struct GridPicker {
  std::int64_t index;
  ParameterValue operator()(const ConstantValue& constant) const { return constant.value; }
  ParameterValue operator()(const Categorical& categorical) const {
    return categorical.values[static_cast<std::size_t>(index)];
  }
  ParameterValue operator()(const IntUniform& range) const { return {range.min + index}; }
  ParameterValue operator()(const Continuous& range) const {
    const double x = range.first + static_cast<double>(index) * *range.q;
    return range.whole_bounds ? ParameterValue{static_cast<std::int64_t>(x)} : ParameterValue{x};
  }
  ParameterValue operator()(const LayerWidths&) const { return {}; }
};

struct ExtremeFinder {
  std::vector<ParameterValue> operator()(const ConstantValue& constant) const { return {constant.value}; }
  std::vector<ParameterValue> operator()(const Categorical& categorical) const { return categorical.values; }
  std::vector<ParameterValue> operator()(const IntUniform& range) const { return {{range.min}, {range.max}}; }
  std::vector<ParameterValue> operator()(const Continuous& range) const {
    if (range.shape != Continuous::Shape::uniform) {
      return {};
    }
    return {carried_over(range, range.first), carried_over(range, range.second)};
  }
  std::vector<ParameterValue> operator()(const LayerWidths& layers) const {
    const auto all = [](std::int64_t depth, std::int64_t width) {
      return ParameterValue{ValueList(static_cast<std::size_t>(depth), ParameterValue{width})};
    };
    return {all(layers.depth.min, layers.width.min), all(layers.depth.max, layers.width.max)};
  }
};

}  // namespace

std::optional<std::int64_t> grid_count(const Distribution& distribution) {
  return std::visit(GridCounter{distribution.name}, distribution.what);
}

ParameterValue grid_value(const Distribution& distribution, std::int64_t index) {
  return std::visit(GridPicker{index}, distribution.what);
}

ParameterValue draw(const Distribution& distribution, Random& random) {
  return std::visit(Drawer{random}, distribution.what);
}

std::vector<ParameterValue> extreme_values(const Distribution& distribution) {
  return std::visit(ExtremeFinder(), distribution.what);
}

}  // namespace memtrack
