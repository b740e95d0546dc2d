#pragma once

// What waits to be written. Bounded: while the database cannot be written, the oldest detail is given up and counted.
// No threads here: its owner guards it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "storage/trial_recorder.h"

namespace memtrack {

class RecordQueue {
 public:
  static constexpr std::size_t kMostRowsInBatch = 4096;

  // Of `capacity_bytes` samples may take a half, rows of processes and events a quarter each.
  explicit RecordQueue(std::size_t capacity_bytes);

  void push(Sample sample);
  void push(ProcessReading reading);
  void push(ReceivedEvent event);

  // The oldest rows, at most kMostRowsInBatch of each kind; they are the caller's from then on. Totals are left empty.
  RecordBatch take();

  bool is_empty() const { return samples_.empty() && processes_.empty() && events_.empty(); }
  bool has_full_batch() const { return most_rows() >= kMostRowsInBatch; }
  bool has_more_than_a_batch() const { return most_rows() > kMostRowsInBatch; }
  std::int64_t samples_thinned() const { return samples_thinned_; }
  std::int64_t process_rows_thinned() const { return process_rows_thinned_; }
  std::int64_t events_dropped() const { return events_dropped_; }

 private:
  std::size_t most_rows() const { return std::max({samples_.size(), processes_.size(), events_.size()}); }

  std::size_t most_samples_;
  std::size_t most_processes_;
  std::size_t most_event_bytes_;
  std::deque<Sample> samples_;
  std::deque<ProcessReading> processes_;
  std::deque<ReceivedEvent> events_;
  std::size_t event_bytes_ = 0;
  std::int64_t samples_thinned_ = 0;
  std::int64_t process_rows_thinned_ = 0;
  std::int64_t events_dropped_ = 0;
};

}  // namespace memtrack
