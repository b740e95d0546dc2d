#include "collector/pss_budget.h"

#include <algorithm>

namespace memtrack {

PssBudget::Duration PssBudget::expected(std::int64_t rss_bytes) const {
  auto rates = rates_;
  const auto median = rates.begin() + rates.size() / 2;
  std::nth_element(rates.begin(), median, rates.end());
  return Duration(static_cast<std::int64_t>(static_cast<double>(rss_bytes) * static_cast<double>(*median) / 1e6));
}

bool PssBudget::is_too_long(std::int64_t rss_bytes) const {
  return rss_bytes >= too_long_bytes_ || expected(rss_bytes) > kMostPerProcess;
}

bool PssBudget::is_affordable(Duration expected, Duration idle) const {
  return std::max(expected, last_pass_) * kShare <= idle;
}

void PssBudget::note_read(std::int64_t rss_bytes, Duration took) {
  if (rss_bytes >= kSmallestTold) {
    rates_[next_rate_] =
        static_cast<std::int64_t>(static_cast<double>(took.count()) * 1e6 / static_cast<double>(rss_bytes));
    next_rate_ = (next_rate_ + 1) % rates_.size();
  }
  if (took > kMostPerProcess) {
    too_long_bytes_ = std::min(too_long_bytes_, rss_bytes);
  }
}

}  // namespace memtrack
