#include "collector/batch_timer.h"

#include <algorithm>

namespace memtrack {

bool BatchTimer::sample_came(Time now) {
  if (timing_.interval >= timing_.gather) {
    return be_due(now);
  }
  constexpr std::chrono::nanoseconds kShortestInterval = std::chrono::milliseconds(1);
  return be_due(now + std::min<std::chrono::nanoseconds>(
                          timing_.gather, timing_.most_gathered * std::max(timing_.interval, kShortestInterval)));
}

bool BatchTimer::event_came(Time now) {
  return be_due(now + timing_.gather);
}

void BatchTimer::rows_are_left(Time now, bool fill_a_batch) {
  be_due(fill_a_batch ? now : now + timing_.gather);
}

bool BatchTimer::be_due(Time time) {
  const bool is_sooner = !due_ || time < *due_;
  due_ = is_sooner ? time : *due_;
  return is_sooner;
}

}  // namespace memtrack
