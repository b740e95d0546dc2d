#pragma once

// Ticks, samples, events and totals of one trial. When, whoever drives it says; it knows neither commands nor signals.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "collector/event_socket.h"
#include "collector/event_tally.h"
#include "collector/sampler.h"
#include "collector/ticks.h"
#include "collector/trial_clock.h"
#include "collector/trial_writer.h"

namespace memtrack {

class TrialMeter {
 public:
  // `sampler` and all else outlive this.
  TrialMeter(Sampler& sampler, std::chrono::nanoseconds interval, EventSocket& events, TrialClock& clock,
             TrialWriter& writer);

  // When tick_if_due() is to be called next.
  BootClock::time_point next_tick() const { return ticks_ ? ticks_->next() : BootClock::time_point::max(); }
  // To be taken when something waits there, by on_events().
  int events() const { return events_.descriptor(); }

  // Takes the sample of the start; ticks follow.
  void start();
  void tick_if_due();
  void on_events();
  // Takes what was sent before, and the last sample; no tick follows. Returns when that was, Unix epoch.
  std::int64_t end();

  void hand_over_totals();

  // The last reason to fail that the program told; empty: none.
  const std::string& told_failure() const { return told_failure_; }

 private:
  void take_sample(SampleKind kind, BootClock::time_point due);
  void take_event(const EventSocket::Datagram& datagram);

  Sampler& sampler_;
  const std::chrono::nanoseconds interval_;
  EventSocket& events_;
  TrialClock& clock_;
  TrialWriter& writer_;

  EventTally tally_;
  PhaseClock phases_;
  std::string told_failure_;
  std::int64_t late_ticks_ = 0;
  std::int64_t ended_ns_ = 0;   // 0: it goes on
  std::optional<Ticks> ticks_;  // start + k * interval, k >= 1; none: before the start, after the end
  BootClock::time_point next_totals_{};
  BootClock::time_point next_phase_totals_{};
  std::map<std::string, std::int64_t> phase_ns_;
};

}  // namespace memtrack
