#include "collector/trial_writer.h"

#include <malloc.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "storage/shortage.h"

namespace memtrack {
namespace {

constexpr std::size_t kManySamples = 500;  // some 250 KiB: more than wait where the database can be written

}  // namespace

TrialWriter::TrialWriter(TrialRecorder& recorder, TrialLog& log, const WriterLimits& limits)
    : recorder_(recorder),
      log_(log),
      limits_(limits),
      queue_(limits.queue_bytes),
      timer_(limits.timing),
      thread_([this] { run(); }) {}

TrialWriter::~TrialWriter() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
}

void TrialWriter::add(Sample sample, std::vector<ProcessReading> processes) {
  const std::lock_guard lock(mutex_);
  queue_.push(std::move(sample));
  for (ProcessReading& reading : processes) {
    queue_.push(std::move(reading));
  }
  if (timer_.sample_came(Clock::now())) {
    changed_.notify_one();
  }
}

void TrialWriter::add(ReceivedEvent event) {
  const std::lock_guard lock(mutex_);
  queue_.push(std::move(event));
  if (timer_.event_came(Clock::now())) {
    changed_.notify_one();
  }
}

void TrialWriter::add_output(std::string_view output) {
  const std::lock_guard lock(mutex_);
  if (output_.size() + output.size() > limits_.waiting_output_bytes) {
    output_discarded_ += static_cast<std::int64_t>(std::exchange(output_, {}).size());
  }
  output_ += output;
  changed_.notify_one();
}

void TrialWriter::set_totals(TrialTotals totals) {
  const std::lock_guard lock(mutex_);
  totals_ = std::move(totals);
}

std::optional<std::string> TrialWriter::finish(const TrialOutcome& outcome, std::chrono::nanoseconds patience) {
  {
    const std::lock_guard lock(mutex_);
    outcome_ = outcome;
  }
  return close(patience);
}

std::optional<std::string> TrialWriter::close(std::chrono::nanoseconds patience) {
  {
    const std::lock_guard lock(mutex_);
    give_up_ = Clock::now() + patience;
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
  return is_recorded_ ? std::nullopt : std::optional(last_error_);
}

// The thread sleeps until a batch is due, so that it wakes once a batch and not once a row.
void TrialWriter::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!output_.empty()) {
      write_waiting_output(lock);
    } else if (const auto due = timer_.due(); !due) {
      changed_.wait(lock);
    } else if (Clock::now() < *due) {
      changed_.wait_until(lock, *due);
    } else {
      write_next_batch(lock);
    }
  }
  write_waiting_output(lock);
  if (give_up_) {
    write_rest(lock);
  }
}

void TrialWriter::write_waiting_output(std::unique_lock<std::mutex>& lock) {
  const std::string output = std::exchange(output_, {});
  const std::int64_t discarded = std::exchange(output_discarded_, 0);  // before it
  lock.unlock();
  log_.skip(discarded);
  log_.write(output);
  lock.lock();
}

void TrialWriter::write_next_batch(std::unique_lock<std::mutex>& lock) {
  timer_.batch_taken();
  if (write_batch(lock, false) == Written::not_yet) {
    timer_.batch_is_to_be_tried_again(Clock::now());
  } else if (!queue_.is_empty()) {
    timer_.rows_are_left(Clock::now(), queue_.has_full_batch());
  }
}

void TrialWriter::write_rest(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    const bool is_last = queue_.is_empty() || (!has_batch_ && !queue_.has_more_than_a_batch());
    const bool had_rows = has_batch_ || !queue_.is_empty();
    const Written written = write_batch(lock, is_last && outcome_);
    if (is_last && written == Written::yes) {
      is_recorded_ = true;
      return;
    }
    if (is_last && written == Written::never && !had_rows) {
      return;  // it is not the rows that are refused
    }
    if (written == Written::not_yet) {
      if (Clock::now() >= *give_up_) {
        return;
      }
      changed_.wait_for(lock, limits_.timing.retry);
    }
  }
}

// Rows that were taken stay in batch_ until they are written or refused for good.
TrialWriter::Written TrialWriter::write_batch(std::unique_lock<std::mutex>& lock, bool with_outcome) {
  if (!has_batch_) {
    batch_ = queue_.take();
    has_batch_ = true;
  }
  batch_.totals = totals_;
  batch_.totals.samples_thinned = queue_.samples_thinned() + samples_lost_;
  batch_.totals.process_rows_thinned = queue_.process_rows_thinned() + process_rows_lost_;
  batch_.totals.events_missing += queue_.events_dropped() + events_lost_;
  batch_.totals.log_bytes = log_.bytes();
  batch_.totals.log_bytes_discarded = log_.discarded_bytes() + output_discarded_;
  lock.unlock();
  const Written written = try_to_write(with_outcome ? &*outcome_ : nullptr);
  lock.lock();
  if (written == Written::never) {
    samples_lost_ += static_cast<std::int64_t>(batch_.samples.size());
    process_rows_lost_ += static_cast<std::int64_t>(batch_.processes.size());
    events_lost_ += static_cast<std::int64_t>(batch_.events.size());
  }
  if (written != Written::not_yet) {
    const bool was_large = batch_.samples.size() > kManySamples;
    batch_ = {};
    has_batch_ = false;
    give_memory_back_after(was_large);
  }
  return written;
}

// Once the large batches after an outage are written: malloc keeps what they took, since small blocks that stay lie
// between those that were freed.
void TrialWriter::give_memory_back_after(bool large_batch) {
  if (has_waited_much_ && !large_batch) {
    malloc_trim(0);
  }
  has_waited_much_ = large_batch;
}

TrialWriter::Written TrialWriter::try_to_write(const TrialOutcome* outcome) {
  try {
    if (outcome != nullptr) {
      recorder_.finish(batch_, *outcome);
    } else {
      recorder_.write(batch_);
    }
    return Written::yes;
  } catch (const std::exception& error) {  // none may leave the thread: it would take the training with it
    last_error_ = error.what();
    return may_pass(error) ? Written::not_yet : Written::never;
  }
}

}  // namespace memtrack
