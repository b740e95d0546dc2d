#pragma once

#include <algorithm>
#include <chrono>

namespace memtrack {

// How long to wait after a look that took so long, at least `least`: looking takes 2% of the time at most, since it
// runs beside what is measured.
inline std::chrono::milliseconds pause_after(std::chrono::milliseconds look, std::chrono::milliseconds least) {
  constexpr int kTimesALook = 50;
  return std::max(least, look * kTimesALook);
}

}  // namespace memtrack
