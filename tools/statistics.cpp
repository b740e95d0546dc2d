#include "tools/statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace memtrack {
namespace {

constexpr double kPower = 0.8;

std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first + 1;
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    const double shared = static_cast<double>(first + end + 1) / 2;  // mean of the ranks first + 1 to end
    for (; first < end; ++first) ranks[order[first]] = shared;
  }
  return ranks;
}

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

int repeats_to_see(double difference, double standard_deviation) {
  constexpr int kMost = 1'000'000'000;
  const auto is_enough = [&](int count) {
    const double error = standard_deviation * std::sqrt(2.0 / count);
    return smallest_visible_effect(error, 2.0 * count - 2) <= std::abs(difference);
  };
  int below = 1, enough = 2;
  while (!is_enough(enough) && enough < kMost) {
    below = enough;
    enough *= 2;
  }
  while (enough - below > 1) {
    const int middle = below + (enough - below) / 2;
    (is_enough(middle) ? enough : below) = middle;
  }
  return enough;
}

std::optional<double> pearson_correlation(std::span<const double> x, std::span<const double> y) {
  if (x.size() < 3 || x.size() != y.size()) return std::nullopt;
  PairMoments moments;
  for (std::size_t i = 0; i < x.size(); ++i) moments.add(x[i], y[i]);
  return moments.correlation();
}

std::optional<double> spearman_correlation(std::span<const double> x, std::span<const double> y) {
  return pearson_correlation(ranks_of(x), ranks_of(y));
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
