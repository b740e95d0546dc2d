#include "tools/plot/picture.h"

#include <algorithm>
#include <cmath>

namespace memtrack {

AxisRange range_of(const Axis& axis, const std::vector<double>& values) {
  if (!axis.words.empty()) return {-0.5, static_cast<double>(axis.words.size()) - 0.5};
  if (values.empty()) return {};
  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  if (axis.is_logarithmic) {
    const double margin = std::pow(std::max(*highest / *lowest, 1.5), 0.06);
    return {*lowest / margin, *highest * margin};
  }
  if (axis.is_tight && *highest > *lowest) return {*lowest, *highest};
  const double low = axis.from_zero ? std::min(*lowest, 0.0) : *lowest;
  const double size = *highest - low;
  const double margin = size > 0 ? size * 0.06 : std::max(std::abs(low) * 0.05, 0.5);
  const double foot = low >= 0 ? std::max(0.0, low - margin) : low - margin;  // no less than nothing
  return {axis.from_zero && low == 0 ? 0 : foot, *highest + margin};
}

std::vector<double> x_values(const Panel& panel) {
  std::vector<double> values;
  for (const Series& series : panel.series) {
    for (const Point& point : series.points) values.push_back(point.x);
  }
  return values;
}

std::vector<double> y_values(const Panel& panel) {
  std::vector<double> values;
  for (const Series& series : panel.series) {
    for (const Point& point : series.points) {
      values.push_back(point.y);
      if (point.interval) values.insert(values.end(), {point.interval->low, point.interval->high});
    }
  }
  return values;
}

std::vector<std::string> phase_names(const Panel& panel) {
  std::vector<std::string> names;
  for (const std::vector<PhaseSpan>& spans : panel.phases) {
    for (const PhaseSpan& span : spans) {
      if (std::find(names.begin(), names.end(), span.name) == names.end()) names.push_back(span.name);
    }
  }
  return names;
}

}  // namespace memtrack
