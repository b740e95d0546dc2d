#pragma once

// What came over the event socket: decoded, numbered, counted. No sockets, no clocks.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sweeps/event.h"

namespace memtrack {

class EventTally {
 public:
  // nullopt: no event; counted as malformed.
  std::optional<Event> take(std::string_view datagram);
  void count_oversize() { ++malformed_; }

  std::int64_t malformed() const { return malformed_; }
  // Datagrams that senders numbered and that never came.
  std::int64_t missing() const { return missing_; }

 private:
  void note_number(std::int64_t sender, std::int64_t seq);

  std::map<std::int64_t, std::int64_t> last_seq_;  // by sender
  std::int64_t malformed_ = 0;
  std::int64_t missing_ = 0;
};

// The phase in force and the time spent in each. A program that names more than kMostPhases stays in its last one.
class PhaseClock {
 public:
  static constexpr std::size_t kMostPhases = 1000;

  // Empty: the program has named none yet.
  const std::string& current() const { return current_; }
  // True where `name` would end the phase in force.
  bool is_boundary(const std::string& name) const;
  void enter(const std::string& name, std::int64_t now_ns);
  std::map<std::string, std::int64_t> totals(std::int64_t now_ns) const;

 private:
  std::string current_;
  std::int64_t since_ns_ = 0;
  std::map<std::string, std::int64_t> ended_;  // time in each phase, the current visit left out
};

}  // namespace memtrack
