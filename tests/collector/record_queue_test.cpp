#include "collector/record_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace memtrack;

namespace {

Sample tick(std::int64_t time_ns, SampleKind kind = SampleKind::tick) {
  Sample sample;
  sample.time_ns = time_ns;
  sample.kind = kind;
  return sample;
}

ReceivedEvent event_of_size(std::size_t bytes, std::int64_t time_ns) {
  ReceivedEvent event;
  event.time_ns = time_ns;
  event.event.body = std::string(bytes, 'x');
  return event;
}

// All that waits, oldest first.
std::vector<std::int64_t> take_all(RecordQueue& queue) {
  std::vector<std::int64_t> times;
  while (!queue.is_empty()) {
    for (const Sample& sample : queue.take().samples) {
      times.push_back(sample.time_ns);
    }
  }
  return times;
}

}  // namespace

TEST_CASE("rows come out in their order, in batches of a bounded size") {
  RecordQueue queue(std::size_t{64} << 20);
  const auto count = static_cast<std::int64_t>(RecordQueue::kMostRowsInBatch) + 10;
  for (std::int64_t i = 0; i < count; ++i) {
    queue.push(tick(i));
  }
  CHECK(queue.has_more_than_a_batch());
  const RecordBatch first = queue.take();
  CHECK(first.samples.size() == RecordQueue::kMostRowsInBatch);
  CHECK(first.samples.front().time_ns == 0);
  CHECK_FALSE(queue.has_full_batch());
  const RecordBatch second = queue.take();
  CHECK(second.samples.size() == 10);
  CHECK(second.samples.back().time_ns == count - 1);
  CHECK(queue.is_empty());
  CHECK(queue.take().samples.empty());
}

TEST_CASE("when memory is full the oldest samples are thinned, counted, and the new ones stay whole") {
  constexpr std::size_t kRoom = 100;
  RecordQueue queue(kRoom * sizeof(Sample) * 2 + 100);
  queue.push(tick(0, SampleKind::start));
  for (std::int64_t i = 1; i < 1000; ++i) {
    queue.push(tick(i));
  }
  const std::int64_t thinned = queue.samples_thinned();
  const std::vector<std::int64_t> left = take_all(queue);
  CHECK(left.size() <= kRoom);
  CHECK(static_cast<std::int64_t>(left.size()) + thinned == 1000);
  CHECK(left.front() == 0);
  CHECK(std::vector<std::int64_t>(left.end() - 20, left.end()).front() == 980);  // without a gap at the new end
  CHECK(std::is_sorted(left.begin(), left.end()));
}

TEST_CASE("when memory is full the oldest events are given up and counted and the newest stay") {
  RecordQueue queue(400'000);
  for (std::int64_t i = 0; i < 10; ++i) {
    queue.push(event_of_size(20'000, i));
  }
  CHECK(queue.events_dropped() == 8);
  const std::vector<ReceivedEvent> events = queue.take().events;
  REQUIRE(events.size() == 2);
  CHECK(events[0].time_ns == 8);
  CHECK(events[1].time_ns == 9);
  queue.push(event_of_size(20'000, 10));
  CHECK(queue.events_dropped() == 8);
  CHECK(queue.take().events.size() == 1);
}

TEST_CASE("one large event takes the room of many small ones") {
  RecordQueue queue(400'000);
  for (std::int64_t i = 0; i < 4; ++i) {
    queue.push(event_of_size(10'000, i));
  }
  queue.push(event_of_size(35'000, 4));
  CHECK(queue.events_dropped() == 3);
  CHECK(queue.take().events.size() == 2);
}

TEST_CASE("rows of processes are thinned and counted apart from samples") {
  constexpr std::size_t kRoom = 100;
  RecordQueue queue(kRoom * sizeof(ProcessReading) * 4 + 100);
  for (std::int64_t i = 0; i < 1000; ++i) {
    queue.push(ProcessReading{.time_ns = i, .process = 1});
  }
  CHECK(queue.samples_thinned() == 0);
  const RecordBatch batch = queue.take();
  CHECK(batch.processes.size() <= kRoom);
  CHECK(static_cast<std::int64_t>(batch.processes.size()) + queue.process_rows_thinned() == 1000);
  CHECK(batch.processes.back().time_ns == 999);
}
