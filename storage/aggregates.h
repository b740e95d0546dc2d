#pragma once

// Sums over readings, as SQL's functions (storage/sql_functions.h) and reports (tools/statistics.h) need them.
// Functions of what they were given, in memory that does not grow but for quantile_of().

#include <cstdint>
#include <optional>
#include <vector>

namespace memtrack {

// Mean and spread of what was added, in one pass (Welford, 1962).
class Moments {
 public:
  void add(double value);
  std::int64_t count() const { return count_; }
  double mean() const;                               // NaN of none
  std::optional<double> standard_deviation() const;  // n - 1; nullopt below two values

 private:
  std::int64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // sum of squared distances from the mean
};

// The same of pairs.
class PairMoments {
 public:
  void add(double x, double y);
  std::int64_t count() const { return count_; }
  std::optional<double> correlation() const;  // Pearson's; nullopt where one side does not vary
  std::optional<double> slope()
      const;  // of the least-squares line y = intercept + slope x; nullopt where x does not vary
  std::optional<double> intercept() const;

 private:
  std::int64_t count_ = 0;
  double mean_x_ = 0, mean_y_ = 0;
  double xx_ = 0, yy_ = 0, xy_ = 0;  // sums of products of distances from the means
};

// By linear interpolation between the order statistics (type 7 of Hyndman and Fan, 1996: that of R, NumPy and Excel);
// `share` is 0 to 1. NaN of none.
double quantile_of(std::vector<double> values, double share);

}  // namespace memtrack
