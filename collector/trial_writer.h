#pragma once

// The collector's second thread: the only one that touches the database and the log file. The first thread hands over
// rows and output and never waits.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "collector/batch_timer.h"
#include "collector/record_queue.h"
#include "collector/trial_log.h"
#include "storage/trial_recorder.h"

namespace memtrack {

struct WriterLimits {
  std::size_t queue_bytes = std::size_t{64} << 20;
  std::size_t waiting_output_bytes = std::size_t{8} << 20;  // beyond: the oldest is discarded and counted
  BatchTiming timing = {};
};

class TrialWriter {
 public:
  // Starts the thread. `recorder` and `log` are the thread's until finish() returns.
  TrialWriter(TrialRecorder& recorder, TrialLog& log, const WriterLimits& limits);
  ~TrialWriter();  // without finish(): what waits is given up

  void add(Sample sample, std::vector<ProcessReading> processes);
  void add(ReceivedEvent event);
  void add_output(std::string_view output);
  // Replaces the totals of before. What the writer counts itself (thinned samples, log bytes) is filled in by it.
  void set_totals(TrialTotals totals);

  // Writes what waits and the end, trying again for `patience` while the database cannot be written, and ends the
  // thread. nullopt: recorded; else why not.
  std::optional<std::string> finish(const TrialOutcome& outcome, std::chrono::nanoseconds patience);
  // The same without the end: the trial goes on.
  std::optional<std::string> close(std::chrono::nanoseconds patience);

 private:
  using Clock = std::chrono::steady_clock;

  enum class Written { yes, not_yet, never };

  void run();
  void write_waiting_output(std::unique_lock<std::mutex>& lock);
  void write_next_batch(std::unique_lock<std::mutex>& lock);
  void write_rest(std::unique_lock<std::mutex>& lock);
  Written write_batch(std::unique_lock<std::mutex>& lock, bool with_outcome);
  void give_memory_back_after(bool large_batch);
  Written try_to_write(const TrialOutcome* outcome);

  TrialRecorder& recorder_;
  TrialLog& log_;
  const WriterLimits limits_;

  std::mutex mutex_;
  std::condition_variable changed_;
  RecordQueue queue_;
  std::string output_;
  std::int64_t output_discarded_ = 0;
  TrialTotals totals_;
  BatchTimer timer_;
  std::optional<TrialOutcome> outcome_;
  std::optional<Clock::time_point> give_up_;  // none while stopping: what waits is given up at once
  bool stopping_ = false;

  // The thread's own.
  RecordBatch batch_;  // taken from the queue and not written yet
  bool has_batch_ = false;
  bool has_waited_much_ = false;
  std::int64_t samples_lost_ = 0;
  std::int64_t process_rows_lost_ = 0;
  std::int64_t events_lost_ = 0;
  std::string last_error_;
  bool is_recorded_ = false;

  std::thread thread_;  // last: all else is there when it starts
};

}  // namespace memtrack
