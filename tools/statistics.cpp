#include "tools/statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "storage/aggregates.h"

namespace memtrack {
namespace {

constexpr double kPower = 0.8;

double square(double value) {
  return value * value;
}

}  // namespace

double student_quantile(double probability, double degrees) {
  return boost::math::quantile(boost::math::students_t(degrees), probability);
}

double student_p_value(double t, double degrees) {
  if (std::isinf(t)) return 0;
  return 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(degrees), std::abs(t)));
}

double mean_of(std::span<const double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> standard_deviation_of(std::span<const double> values) {
  Moments moments;
  for (const double value : values) moments.add(value);
  return moments.standard_deviation();
}

std::optional<Interval> mean_interval(std::span<const double> values, double level) {
  const std::optional<double> deviation = standard_deviation_of(values);
  if (!deviation) return std::nullopt;
  const auto count = static_cast<double>(values.size());
  const double half = student_quantile((1 + level) / 2, count - 1) * *deviation / std::sqrt(count);
  const double mean = mean_of(values);
  return Interval{mean - half, mean + half};
}

std::optional<Difference> difference_of_means(std::span<const double> a, std::span<const double> b) {
  if (a.size() < 2 || b.size() < 2) return std::nullopt;
  const double part_a = square(*standard_deviation_of(a)) / static_cast<double>(a.size());
  const double part_b = square(*standard_deviation_of(b)) / static_cast<double>(b.size());
  Difference difference;
  difference.estimate = mean_of(b) - mean_of(a);
  difference.standard_error = std::sqrt(part_a + part_b);
  if (difference.standard_error == 0) {  // neither side varies
    difference.degrees = static_cast<double>(a.size() + b.size() - 2);
    difference.interval = {difference.estimate, difference.estimate};
    difference.p_value = difference.estimate == 0 ? 1 : 0;
    return difference;
  }
  difference.degrees = square(part_a + part_b) / (square(part_a) / static_cast<double>(a.size() - 1) +
                                                  square(part_b) / static_cast<double>(b.size() - 1));
  const double half = student_quantile(0.975, difference.degrees) * difference.standard_error;
  difference.interval = {difference.estimate - half, difference.estimate + half};
  difference.p_value = student_p_value(difference.estimate / difference.standard_error, difference.degrees);
  return difference;
}

double smallest_visible_effect(double standard_error, double degrees) {
  return (student_quantile(0.975, degrees) + student_quantile(kPower, degrees)) * standard_error;
}

std::vector<double> holm_adjusted(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, std::min(1.0, p_values[order[i]] * static_cast<double>(order.size() - i)));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

}  // namespace memtrack
