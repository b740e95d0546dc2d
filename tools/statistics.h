#pragma once

// The statistics that reports, comparisons and effects are told with. All of them are functions of their arguments;
// samples are independent readings, one a trial, never one a tick.

#include <optional>
#include <span>
#include <vector>

namespace memtrack {

struct Interval {
  double low = 0;
  double high = 0;
};

// The value that a Student t variable of `degrees` degrees of freedom stays below with this probability (0 to 1).
double student_quantile(double probability, double degrees);

// Probability of a |t| at least as large.
double student_p_value(double t, double degrees);

double mean_of(std::span<const double> values);                               // NaN of none
std::optional<double> standard_deviation_of(std::span<const double> values);  // n - 1; nullopt below two values

// The mean's t interval; nullopt below two values: one trial says nothing about the next.
std::optional<Interval> mean_interval(std::span<const double> values, double level = 0.95);

// mean(b) - mean(a) by Welch's test, which takes different spreads.
struct Difference {
  double estimate = 0;
  double standard_error = 0;
  double degrees = 0;  // Welch and Satterthwaite's
  Interval interval;   // 95%
  double p_value = 1;  // two-sided
};
// nullopt where a side has fewer than two values.
std::optional<Difference> difference_of_means(std::span<const double> a, std::span<const double> b);

// The smallest true effect that a two-sided test at 5% sees in four of five experiments like this one.
double smallest_visible_effect(double standard_error, double degrees);

// p-values so that all of them together keep the level (Holm, 1979), in the order given.
std::vector<double> holm_adjusted(std::span<const double> p_values);

}  // namespace memtrack
