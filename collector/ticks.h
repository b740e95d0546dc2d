#pragma once

#include <chrono>
#include <cstdint>

#include "collector/trial_clock.h"

namespace memtrack {

// The moments first, first + interval, first + 2 * interval, ... Those that passed unread are told, never made up: one
// sample is taken for all of them.
class Ticks {
 public:
  Ticks(BootClock::time_point first, std::chrono::nanoseconds interval) : next_(first), interval_(interval) {}

  BootClock::time_point next() const { return next_; }
  // How many have come since they were taken before; next() is after `now` then.
  std::int64_t take(BootClock::time_point now) {
    const std::int64_t passed = now < next_ ? 0 : (now - next_) / interval_ + 1;
    next_ += passed * interval_;
    return passed;
  }

 private:
  BootClock::time_point next_;
  std::chrono::nanoseconds interval_;
};

}  // namespace memtrack
