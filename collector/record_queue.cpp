#include "collector/record_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace memtrack {
namespace {

// Decoded values and names are about as large as the text that they came from.
std::size_t size_of(const ReceivedEvent& event) {
  return sizeof event + 2 * event.event.body.size();
}

// Every second of the older half: what is oldest is thinned again and again, what is new stays whole. Returns how many
// were given up; those that must stay do.
template <typename Row, typename MustStay>
std::int64_t thin(std::deque<Row>& rows, MustStay&& must_stay) {
  const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / 2);
  bool drop = false;
  const auto kept_end = std::remove_if(rows.begin(), middle, [&](const Row& row) {
    drop = !drop && !must_stay(row);
    return drop;
  });
  const auto dropped = std::distance(kept_end, middle);
  rows.erase(kept_end, middle);
  return dropped;
}

template <typename Row>
void take_oldest(std::deque<Row>& from, std::vector<Row>& to) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(from.size(), RecordQueue::kMostRowsInBatch));
  to.assign(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
  from.erase(from.begin(), end);
}

}  // namespace

RecordQueue::RecordQueue(std::size_t capacity_bytes)
    : most_samples_(std::max<std::size_t>(capacity_bytes / 2 / sizeof(Sample), 8)),
      most_processes_(std::max<std::size_t>(capacity_bytes / 4 / sizeof(ProcessReading), 8)),
      most_event_bytes_(capacity_bytes / 4) {}

void RecordQueue::push(Sample sample) {
  if (samples_.size() >= most_samples_) {
    samples_thinned_ += thin(samples_, [](const Sample& old) { return old.kind == SampleKind::start; });
  }
  samples_.push_back(std::move(sample));
}

void RecordQueue::push(ProcessReading reading) {
  if (processes_.size() >= most_processes_) {
    process_rows_thinned_ += thin(processes_, [](const ProcessReading&) { return false; });
  }
  processes_.push_back(std::move(reading));
}

void RecordQueue::push(ReceivedEvent event) {
  while (!events_.empty() && event_bytes_ + size_of(event) > most_event_bytes_) {
    event_bytes_ -= size_of(events_.front());
    events_.pop_front();
    ++events_dropped_;
  }
  event_bytes_ += size_of(event);
  events_.push_back(std::move(event));
}

RecordBatch RecordQueue::take() {
  RecordBatch batch;
  take_oldest(samples_, batch.samples);
  take_oldest(processes_, batch.processes);
  take_oldest(events_, batch.events);
  for (const ReceivedEvent& event : batch.events) {
    event_bytes_ -= size_of(event);
  }
  return batch;
}

}  // namespace memtrack
