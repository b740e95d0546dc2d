#include "collector/event_tally.h"

#include <algorithm>

namespace memtrack {
namespace {

// A trial that starts a sender a second for days must not cost memory for each.
constexpr std::size_t kMostSenders = 4096;
// A gap beyond it is no loss but a number made up.
constexpr std::int64_t kLargestGap = 1'000'000'000;

}  // namespace

std::optional<Event> EventTally::take(std::string_view datagram) {
  try {
    Event event = decode_event(datagram);
    if (event.seq) {
      note_number(event.sender.value_or(0), *event.seq);
    }
    return event;
  } catch (const EventError&) {
    ++malformed_;
    return std::nullopt;
  }
}

void EventTally::note_number(std::int64_t sender, std::int64_t seq) {
  const auto known = last_seq_.find(sender);
  if (seq < 1 || (known == last_seq_.end() && last_seq_.size() >= kMostSenders)) {
    return;
  }
  // A number that is not above the last is another process with the same pid: nothing is known of what it sent before.
  const std::int64_t last = known == last_seq_.end() ? 0 : known->second;
  if (const std::int64_t gap = seq - last - 1; gap > 0 && gap <= kLargestGap) {
    missing_ += gap;
  }
  last_seq_[sender] = seq;
}

bool PhaseClock::is_boundary(const std::string& name) const {
  return name != current_ && !name.empty() && (ended_.contains(name) || ended_.size() < kMostPhases);
}

void PhaseClock::enter(const std::string& name, std::int64_t now_ns) {
  if (!is_boundary(name)) {
    return;
  }
  if (!current_.empty()) {
    ended_[current_] += now_ns - since_ns_;
  }
  ended_.try_emplace(name, 0);
  current_ = name;
  since_ns_ = now_ns;
}

std::map<std::string, std::int64_t> PhaseClock::totals(std::int64_t now_ns) const {
  std::map<std::string, std::int64_t> totals = ended_;
  if (!current_.empty()) {
    totals[current_] += now_ns - since_ns_;
  }
  return totals;
}

}  // namespace memtrack
