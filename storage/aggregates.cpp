#include "storage/aggregates.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace memtrack {

void Moments::add(double value) {
  ++count_;
  const double distance = value - mean_;
  mean_ += distance / static_cast<double>(count_);
  squares_ += distance * (value - mean_);
}

double Moments::mean() const {
  return count_ == 0 ? std::numeric_limits<double>::quiet_NaN() : mean_;
}

std::optional<double> Moments::standard_deviation() const {
  if (count_ < 2) return std::nullopt;
  return std::sqrt(squares_ / static_cast<double>(count_ - 1));
}

void PairMoments::add(double x, double y) {
  ++count_;
  const double distance_x = x - mean_x_, distance_y = y - mean_y_;
  mean_x_ += distance_x / static_cast<double>(count_);
  mean_y_ += distance_y / static_cast<double>(count_);
  xx_ += distance_x * (x - mean_x_);
  yy_ += distance_y * (y - mean_y_);
  xy_ += distance_x * (y - mean_y_);
}

std::optional<double> PairMoments::correlation() const {
  if (count_ < 2 || xx_ == 0 || yy_ == 0) return std::nullopt;
  return xy_ / std::sqrt(xx_ * yy_);
}

std::optional<double> PairMoments::slope() const {
  if (count_ < 2 || xx_ == 0) return std::nullopt;
  return xy_ / xx_;
}

std::optional<double> PairMoments::intercept() const {
  const std::optional<double> rise = slope();
  return rise ? std::optional(mean_y_ - *rise * mean_x_) : std::nullopt;
}

double quantile_of(std::vector<double> values, double share) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(place);
  const auto lower = values.begin() + below;
  std::nth_element(values.begin(), lower, values.end());
  const auto above = lower + 1 == values.end() ? lower : std::min_element(lower + 1, values.end());
  return std::lerp(*lower, *above, place - static_cast<double>(below));
}

}  // namespace memtrack
