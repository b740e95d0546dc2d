#include "collector/trial_meter.h"

#include <utility>

namespace memtrack {
namespace {

// What is served of the socket before others get their turn, and what is still taken at the end: somebody may go on
// sending.
constexpr int kMostDatagramsAtOnce = 64;
constexpr int kLastRounds = 64;
constexpr std::chrono::milliseconds kTotalsEvery(400);
// The time spent in a phase, told while it lasts: each time is a page more to write.
constexpr std::chrono::seconds kPhaseTotalsEvery(10);

}  // namespace

TrialMeter::TrialMeter(Sampler& sampler, std::chrono::nanoseconds interval, EventSocket& events, TrialClock& clock,
                       TrialWriter& writer)
    : sampler_(sampler), interval_(interval), events_(events), clock_(clock), writer_(writer) {}

void TrialMeter::start() {
  const BootClock::time_point now = BootClock::now();
  ticks_.emplace(now + interval_, interval_);
  take_sample(SampleKind::start, now);
}

// Ticks that have passed unread are late. The last of them is read.
void TrialMeter::tick_if_due() {
  if (const std::int64_t passed = ticks_ ? ticks_->take(BootClock::now()) : 0; passed > 0) {
    late_ticks_ += passed - 1;
    take_sample(SampleKind::tick, ticks_->next() - interval_);
  }
}

void TrialMeter::on_events() {
  for (int i = 0; i < kMostDatagramsAtOnce; ++i) {
    const auto datagram = events_.receive();
    if (!datagram) {
      return;
    }
    take_event(*datagram);
  }
}

void TrialMeter::take_event(const EventSocket::Datagram& datagram) {
  if (datagram.is_oversize) {
    tally_.count_oversize();
    return;
  }
  auto event = tally_.take(datagram.text);
  if (!event) {
    return;
  }
  const BootClock::time_point now = BootClock::now();
  const std::int64_t now_ns = clock_.at(now);
  const auto* phase = std::get_if<PhaseEvent>(&event->what);
  if (phase != nullptr && ended_ns_ == 0 && phases_.is_boundary(phase->name)) {
    take_sample(SampleKind::phase, now);  // the last of the phase that ends
    phases_.enter(phase->name, now_ns);
    next_phase_totals_ = {};
  }
  if (const auto* failure = std::get_if<FailureEvent>(&event->what)) {
    told_failure_ = failure->reason;
  }
  writer_.add(ReceivedEvent{.time_ns = now_ns, .phase = phases_.current(), .event = std::move(*event)});
}

std::int64_t TrialMeter::end() {
  late_ticks_ += ticks_ ? ticks_->take(BootClock::now()) : 0;
  ticks_.reset();
  for (int i = 0; i < kLastRounds; ++i) {
    on_events();  // what was sent before the end belongs to the phases before it
  }
  take_sample(SampleKind::final, BootClock::now());
  return ended_ns_ = clock_.at(BootClock::now());
}

void TrialMeter::take_sample(SampleKind kind, BootClock::time_point due) {
  const BootClock::time_point now = BootClock::now();
  Sample sample;
  sample.kind = kind;
  sample.phase = phases_.current();
  sample.time_ns = clock_.next(now);
  sampler_.read(sample, due);
  writer_.add(std::move(sample), sampler_.take_process_rows());
  if (now >= next_totals_) {
    next_totals_ = now + kTotalsEvery;
    hand_over_totals();
  }
}

void TrialMeter::hand_over_totals() {
  TrialTotals totals;
  totals.late_ticks = late_ticks_;
  totals.events_malformed = tally_.malformed();
  totals.events_missing = tally_.missing();
  const BootClock::time_point now = BootClock::now();
  if (ended_ns_ != 0 || now >= next_phase_totals_) {
    next_phase_totals_ = now + kPhaseTotalsEvery;
    phase_ns_ = phases_.totals(ended_ns_ != 0 ? ended_ns_ : clock_.at(now));
  }
  totals.phase_ns = phase_ns_;
  totals.pss_skipped = sampler_.pss_skipped();
  decide_peaks(sampler_.complete_peaks(), totals);
  writer_.set_totals(std::move(totals));
}

}  // namespace memtrack
