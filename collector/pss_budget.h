#pragma once

// When pss and uss are read, decided from what reading cost so far. Walking page tables takes some 10 ms a GiB and
// holds the target's mmap lock meanwhile: at most 0.5% of a core is spent on it, and no process is held for over 10 ms.
// Pure.

#include <array>
#include <chrono>
#include <cstdint>

namespace memtrack {

class PssBudget {
 public:
  using Duration = std::chrono::nanoseconds;
  static constexpr int kShare = 200;  // one part in
  static constexpr Duration kMostPerProcess = std::chrono::milliseconds(10);

  // What the walk through a process of this resident size is expected to take, by the median of the last walks.
  Duration expected(std::int64_t rss_bytes) const;
  // True where the walk through a process is expected to take longer than may be.
  bool is_too_long(std::int64_t rss_bytes) const;
  // True where `idle`, the time since the last pass began, pays for a pass that is expected to take `expected`.
  bool is_affordable(Duration expected, Duration idle) const;

  // One process was read: how long it took, in CPU time, so that a busy machine does not count as a long walk.
  void note_read(std::int64_t rss_bytes, Duration took);
  // A whole pass, over all processes, took that long.
  void note_pass(Duration took) { last_pass_ = took; }

 private:
  static constexpr std::int64_t kSmallestTold = 16 << 20;  // below, the fixed cost hides the rate

  // Femtoseconds a byte: at first 10 ms a GiB.
  std::array<std::int64_t, 5> rates_ = {9313, 9313, 9313, 9313, 9313};
  std::size_t next_rate_ = 0;
  Duration last_pass_{};
  std::int64_t too_long_bytes_ = INT64_MAX;  // the smallest size whose walk took longer than may be
};

}  // namespace memtrack
