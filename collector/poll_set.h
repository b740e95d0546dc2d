#pragma once

#include <poll.h>

#include <chrono>
#include <span>
#include <vector>

#include "collector/trial_clock.h"

namespace memtrack {

// Waits until something is to be read, or until a time. ppoll(2) rather than a timer's descriptor: a tick then costs
// one call instead of two, and comes at most a thousandth of the waiting time late.
class PollSet {
 public:
  void watch(int descriptor) { entries_.push_back({.fd = descriptor, .events = POLLIN, .revents = 0}); }
  // One that nobody writes to any more would always be ready.
  void forget(int descriptor);

  // Those of the watched that have `revents` are ready; none may be. Returns early now and then: ppoll's own clock
  // stands still while the machine is suspended. Throws std::system_error.
  std::span<const pollfd> wait_until(BootClock::time_point time);

 private:
  std::vector<pollfd> entries_;
};

}  // namespace memtrack
