#include "tools/statistics.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

using namespace memtrack;
using doctest::Approx;

TEST_CASE("t quantiles are those of the printed tables") {
  CHECK(student_quantile(0.975, 1) == Approx(12.706).epsilon(1e-4));
  CHECK(student_quantile(0.975, 10) == Approx(2.228).epsilon(1e-3));
  CHECK(student_quantile(0.95, 4) == Approx(2.132).epsilon(1e-3));
  CHECK(student_p_value(2.228, 10) == Approx(0.05).epsilon(1e-2));
  CHECK(student_p_value(-2.228, 10) == Approx(0.05).epsilon(1e-2));
  CHECK(student_p_value(INFINITY, 3) == 0);
}

// Student's own data (1908): additional hours of sleep under two drugs, the data set "sleep" of R.
constexpr std::array<double, 10> kFirstDrug = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
constexpr std::array<double, 10> kSecondDrug = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

TEST_CASE("Welch's test agrees with R on Student's sleep data") {
  // t.test(extra ~ group, data = sleep): t = -1.8608, df = 17.776, p = 0.07939, interval -3.3654832 to 0.2054832
  const std::optional<Difference> found = difference_of_means(kFirstDrug, kSecondDrug);
  REQUIRE(found);
  CHECK(found->estimate == Approx(1.58));
  CHECK(found->estimate / found->standard_error == Approx(1.8608).epsilon(1e-4));
  CHECK(found->degrees == Approx(17.776).epsilon(1e-4));
  CHECK(found->p_value == Approx(0.07939).epsilon(1e-3));
  CHECK(found->interval.low == Approx(-0.2054832).epsilon(1e-6));
  CHECK(found->interval.high == Approx(3.3654832).epsilon(1e-6));
}

TEST_CASE("a mean's interval agrees with R on Student's sleep data") {
  // t.test(sleep$extra[11:20]): mean 2.33, interval 0.8976775 to 3.7623225
  const std::optional<Interval> interval = mean_interval(kSecondDrug);
  REQUIRE(interval);
  CHECK(interval->low == Approx(0.8976775).epsilon(1e-6));
  CHECK(interval->high == Approx(3.7623225).epsilon(1e-6));
}

TEST_CASE("one value has no spread and no interval") {
  const std::array one = {5.0};
  CHECK(mean_of(one) == 5.0);
  CHECK_FALSE(standard_deviation_of(one));
  CHECK_FALSE(mean_interval(one));
  CHECK_FALSE(difference_of_means(one, kFirstDrug));
  CHECK(std::isnan(mean_of({})));
}

TEST_CASE("two groups that do not vary differ or do not") {
  const std::array three = {3.0, 3.0}, four = {4.0, 4.0};
  CHECK(difference_of_means(three, four)->p_value == 0);
  CHECK(difference_of_means(three, four)->interval.low == 1);
  CHECK(difference_of_means(three, three)->p_value == 1);
}

TEST_CASE("Holm's correction multiplies the smallest p-value most and keeps their order") {
  // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
  const std::vector<double> adjusted = holm_adjusted(std::array{0.01, 0.04, 0.03, 0.005});
  CHECK(adjusted[0] == Approx(0.03));
  CHECK(adjusted[1] == Approx(0.06));
  CHECK(adjusted[2] == Approx(0.06));
  CHECK(adjusted[3] == Approx(0.02));
  CHECK(holm_adjusted(std::array{0.6, 0.7})[1] == 1.0);
}
