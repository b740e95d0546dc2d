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

}  // namespace

RecordQueue::RecordQueue(std::size_t capacity_bytes)
    : most_samples_(std::max<std::size_t>(capacity_bytes / 4 * 3 / sizeof(Sample), 8)),
      most_event_bytes_(capacity_bytes / 4) {}

void RecordQueue::push(Sample sample) {
  if (samples_.size() >= most_samples_) {
    thin();
  }
  samples_.push_back(std::move(sample));
}

void RecordQueue::push(ReceivedEvent event) {
  if (event_bytes_ + size_of(event) > most_event_bytes_) {
    ++events_dropped_;
    return;
  }
  event_bytes_ += size_of(event);
  events_.push_back(std::move(event));
}

// Every second of the older half: what is oldest is thinned again and again, what is new stays whole. The first sample
// of a trial stays.
void RecordQueue::thin() {
  const auto middle = samples_.begin() + static_cast<std::ptrdiff_t>(samples_.size() / 2);
  bool drop = false;
  const auto kept_end = std::remove_if(samples_.begin(), middle, [&](const Sample& sample) {
    drop = !drop && sample.kind != SampleKind::start;
    return drop;
  });
  samples_thinned_ += std::distance(kept_end, middle);
  samples_.erase(kept_end, middle);
}

RecordBatch RecordQueue::take() {
  RecordBatch batch;
  const auto samples = static_cast<std::ptrdiff_t>(std::min(samples_.size(), kMostRowsInBatch));
  batch.samples.assign(std::make_move_iterator(samples_.begin()), std::make_move_iterator(samples_.begin() + samples));
  samples_.erase(samples_.begin(), samples_.begin() + samples);
  const auto events = static_cast<std::ptrdiff_t>(std::min(events_.size(), kMostRowsInBatch));
  for (auto event = events_.begin(); event != events_.begin() + events; ++event) {
    event_bytes_ -= size_of(*event);
    batch.events.push_back(std::move(*event));
  }
  events_.erase(events_.begin(), events_.begin() + events);
  return batch;
}

}  // namespace memtrack
