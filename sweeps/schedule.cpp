#include "sweeps/schedule.h"

#include <algorithm>

namespace memtrack {
namespace {

constexpr std::chrono::seconds kFirstDelay(1);
constexpr std::chrono::seconds kLongestDelay(300);
constexpr std::int64_t kDrawnAhead = 4;    // beside those for which there is a job
constexpr std::int64_t kDrawnAtOnce = 12;  // each time, a process is started for it

bool goes_before(const QueuedSweep& a, const QueuedSweep& b) {
  return a.priority != b.priority ? a.priority > b.priority : *a.first_trial_id < *b.first_trial_id;
}

}  // namespace

Decision decide(std::span<const QueuedSweep> queued, std::span<const std::int64_t> running) {
  Decision decision;
  const QueuedSweep* next = nullptr;
  for (const QueuedSweep& sweep : queued) {
    if (sweep.first_trial_id && (next == nullptr || goes_before(sweep, *next))) {
      next = &sweep;
    }
    if (sweep.next_due_ns) {
      decision.due_ns = std::min(decision.due_ns.value_or(*sweep.next_due_ns), *sweep.next_due_ns);
    }
  }
  const auto is_its_own = [&](std::int64_t sweep_id) { return sweep_id == next->sweep_id; };
  if (next != nullptr && std::ranges::all_of(running, is_its_own) &&
      static_cast<std::int64_t>(running.size()) < next->jobs) {
    decision.trial_id = next->first_trial_id;
  }
  return decision;
}

std::chrono::seconds retry_delay(std::int64_t attempt) {
  std::chrono::seconds delay = kFirstDelay;
  for (std::int64_t i = 1; i < attempt && delay < kLongestDelay; ++i) {
    delay *= 2;
  }
  return std::min(delay, kLongestDelay);
}

std::int64_t trials_to_draw(std::int64_t queued, std::int64_t jobs) {
  return queued < jobs + kDrawnAhead ? jobs + kDrawnAtOnce : 0;
}

}  // namespace memtrack
