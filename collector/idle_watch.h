#pragma once

// Before and after a trial: waits until the machine has come to rest, and samples it while it is idle.

#include <chrono>
#include <optional>

#include "collector/proc_reader.h"
#include "collector/signals.h"
#include "collector/trial_clock.h"
#include "collector/trial_writer.h"

namespace memtrack {

class IdleWatch {
 public:
  IdleWatch(CollectorSignals& signals, ProcReader& reader, TrialClock& clock, std::chrono::nanoseconds interval)
      : signals_(signals), reader_(reader), clock_(clock), interval_(interval) {}

  // Both return the signal that told us to stop before the time was over. nullopt: none did.
  std::optional<int> wait(std::chrono::nanoseconds time);
  // Samples of kind `baseline`: at once, and at each interval as long as `time` lasts. One that passes is left out.
  std::optional<int> sample(std::chrono::nanoseconds time, TrialWriter& writer);

 private:
  std::optional<int> wait_until(BootClock::time_point time);

  CollectorSignals& signals_;
  ProcReader& reader_;
  TrialClock& clock_;
  const std::chrono::nanoseconds interval_;
};

}  // namespace memtrack
