#include "collector/idle_watch.h"

#include <signal.h>

#include "collector/poll_set.h"
#include "collector/sampler.h"
#include "collector/ticks.h"

namespace memtrack {

std::optional<int> IdleWatch::wait(std::chrono::nanoseconds time) {
  return wait_until(BootClock::now() + time);
}

std::optional<int> IdleWatch::sample(std::chrono::nanoseconds time, TrialWriter& writer) {
  const BootClock::time_point begin = BootClock::now();
  Cadence per_cpu_pages(std::chrono::seconds(1));
  Ticks ticks(begin, interval_);
  while (ticks.next() <= begin + time) {
    if (const auto signal = wait_until(ticks.next())) {
      return signal;
    }
    ticks.take(BootClock::now());
    const BootClock::time_point due = ticks.next() - interval_;
    Sample sample;
    sample.kind = SampleKind::baseline;
    sample.time_ns = clock_.next(BootClock::now());
    reader_.read_system(sample);
    if (per_cpu_pages.is_due(due)) {
      per_cpu_pages.note(due);
      sample.pcp_free_bytes = reader_.read_per_cpu_free_bytes();
    }
    writer.add(std::move(sample), {});
  }
  return wait_until(begin + time);
}

std::optional<int> IdleWatch::wait_until(BootClock::time_point time) {
  PollSet waiting;
  waiting.watch(signals_.descriptor());
  for (;;) {
    while (const auto signal = signals_.take()) {
      if (*signal != SIGCHLD) {
        return signal;
      }
    }
    if (BootClock::now() >= time) {
      return std::nullopt;
    }
    waiting.wait_until(time);
  }
}

}  // namespace memtrack
