#include "collector/idle_watch.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>

#include "collector/sampler.h"

namespace memtrack {
namespace {

// poll's time does not go on while the machine is suspended: the clock is looked at again now and then.
constexpr std::chrono::nanoseconds kLongestPoll = std::chrono::seconds(10);

}  // namespace

std::optional<int> IdleWatch::wait(std::chrono::nanoseconds time) {
  return wait_until(BootClock::now() + time);
}

std::optional<int> IdleWatch::sample(std::chrono::nanoseconds time, TrialWriter& writer) {
  const BootClock::time_point begin = BootClock::now();
  Cadence per_cpu_pages(std::chrono::seconds(1));
  for (BootClock::time_point due = begin; due <= begin + time; due += interval_) {
    if (const auto signal = wait_until(due)) {
      return signal;
    }
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
  for (;;) {
    while (const auto signal = signals_.take()) {
      if (*signal != SIGCHLD) {
        return signal;
      }
    }
    const auto left = std::clamp<std::chrono::nanoseconds>(time - BootClock::now(), {}, kLongestPoll);
    if (left.count() == 0) {
      return std::nullopt;
    }
    const timespec timeout{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    pollfd signals{.fd = signals_.descriptor(), .events = POLLIN, .revents = 0};
    ppoll(&signals, 1, &timeout, nullptr);
  }
}

}  // namespace memtrack
