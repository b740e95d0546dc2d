#include "collector/pss_budget.h"

#include <doctest/doctest.h>

using namespace memtrack;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kMiB = 1 << 20;

bool is_about(PssBudget::Duration time, PssBudget::Duration expected) {
  return time >= expected * 999 / 1000 && time <= expected * 1001 / 1000;
}

}  // namespace

TEST_CASE("before anything was read, a GiB is expected to take 10 ms, and more than that is too long") {
  const PssBudget budget;
  CHECK(is_about(budget.expected(1024 * kMiB), 10ms));
  CHECK_FALSE(budget.is_too_long(1000 * kMiB));
  CHECK(budget.is_too_long(1100 * kMiB));
}

TEST_CASE("a pass is paid for by 200 times its own length") {
  PssBudget budget;
  CHECK_FALSE(budget.is_affordable(1ms, 199ms));
  CHECK(budget.is_affordable(1ms, 200ms));
  budget.note_pass(3ms);  // longer than was expected: the longer counts
  CHECK_FALSE(budget.is_affordable(1ms, 599ms));
  CHECK(budget.is_affordable(1ms, 600ms));
}

TEST_CASE("the rate is learned from what walks took, one odd walk left out of account") {
  PssBudget budget;
  for (int i = 0; i < 5; ++i) {
    budget.note_read(100 * kMiB, 100us);  // huge pages: ten times as fast
  }
  CHECK(is_about(budget.expected(1024 * kMiB), 1024us));
  CHECK_FALSE(budget.is_too_long(4096 * kMiB));
  budget.note_read(100 * kMiB, 5ms);
  CHECK(is_about(budget.expected(1024 * kMiB), 1024us));
}

TEST_CASE("small processes say nothing of the rate") {
  PssBudget budget;
  for (int i = 0; i < 5; ++i) {
    budget.note_read(1 * kMiB, 1ms);
  }
  CHECK(is_about(budget.expected(1024 * kMiB), 10ms));
}

TEST_CASE("a walk that took longer than may be is not made again at that size") {
  PssBudget budget;
  for (int i = 0; i < 5; ++i) {
    budget.note_read(100 * kMiB, 100us);
  }
  budget.note_read(500 * kMiB, 11ms);
  CHECK(budget.is_too_long(500 * kMiB));
  CHECK_FALSE(budget.is_too_long(499 * kMiB));
}
