#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace memtrack {

// Unix epoch nanoseconds that never step backwards within a trial: the time of day when the trial began, and from then
// on the monotonic clock.
class TrialClock {
 public:
  using Monotonic = std::chrono::steady_clock;

  TrialClock(std::int64_t epoch_ns, Monotonic::time_point begin) : epoch_ns_(epoch_ns), begin_(begin) {}

  std::int64_t at(Monotonic::time_point time) const {
    return epoch_ns_ + std::chrono::duration_cast<std::chrono::nanoseconds>(time - begin_).count();
  }
  // The same, and later than what it last returned.
  std::int64_t next(Monotonic::time_point time) { return last_ns_ = std::max(at(time), last_ns_ + 1); }

 private:
  std::int64_t epoch_ns_;
  Monotonic::time_point begin_;
  std::int64_t last_ns_ = 0;
};

}  // namespace memtrack
