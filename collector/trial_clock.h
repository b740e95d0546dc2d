#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace memtrack {

// CLOCK_BOOTTIME: never steps, and goes on while the machine is suspended.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;

  static time_point now() {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return time_point(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  }
};

// Unix epoch nanoseconds that never step backwards within a trial: the time of day when the trial began, and from then
// on the boot clock, whatever is done to the time of day.
class TrialClock {
 public:
  TrialClock(std::int64_t epoch_ns, BootClock::time_point begin) : epoch_ns_(epoch_ns), begin_(begin) {}

  std::int64_t at(BootClock::time_point time) const {
    return epoch_ns_ + std::chrono::duration_cast<std::chrono::nanoseconds>(time - begin_).count();
  }
  // The same, and later than what it last returned.
  std::int64_t next(BootClock::time_point time) { return last_ns_ = std::max(at(time), last_ns_ + 1); }

 private:
  std::int64_t epoch_ns_;
  BootClock::time_point begin_;
  std::int64_t last_ns_ = 0;
};

}  // namespace memtrack
