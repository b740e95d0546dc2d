#pragma once

// When what waits is to be written: late enough that rows share a transaction and the writer's waking, soon enough that
// a sample is committed within max(interval, 1 s). Pure: who calls says what time it is.

#include <chrono>
#include <optional>

namespace memtrack {

struct BatchTiming {
  // A row waits this long for others that go into the same transaction: with the writing itself, less than 1 s. A
  // sample waits for at most this many, so that few are in memory at once.
  std::chrono::milliseconds gather{700};
  int most_gathered = 200;
  // A sample waits not at all where the next comes no sooner: one waking of the thread instead of two.
  std::chrono::nanoseconds interval{};
  std::chrono::milliseconds retry{100};
};

class BatchTimer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit BatchTimer(const BatchTiming& timing) : timing_(timing) {}

  // none: nothing waits.
  std::optional<Time> due() const { return due_; }

  // True where the next batch is due sooner than it was before.
  bool sample_came(Time now);
  bool event_came(Time now);

  // What waited is taken to be written: what comes from now on is of the batch after it.
  void batch_taken() { due_.reset(); }
  // After the writing: rows are left, as many as fill a batch or fewer.
  void rows_are_left(Time now, bool fill_a_batch);
  // It was in vain.
  void batch_is_to_be_tried_again(Time now) { due_ = now + timing_.retry; }

 private:
  bool be_due(Time time);

  BatchTiming timing_;
  std::optional<Time> due_;
};

}  // namespace memtrack
