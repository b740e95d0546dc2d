#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace memtrack::testing {

// Asks every 10 ms until `condition` holds. False: it did not within ten minutes. So long only hangs last, and no test
// fails because the machine is busy.
inline bool wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace memtrack::testing
