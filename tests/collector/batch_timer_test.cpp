#include "collector/batch_timer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>
#include <vector>

using namespace memtrack;
using namespace std::chrono_literals;

namespace {

using Time = BatchTimer::Time;

// The longest time from a sample to its commit, in a trial of 20 s or 20 intervals whose batches take `writing` each.
std::chrono::nanoseconds longest_wait(std::chrono::nanoseconds interval, std::chrono::nanoseconds writing) {
  BatchTimer timer({.interval = interval});
  const Time end = Time() + std::max<std::chrono::nanoseconds>(20s, 20 * interval);
  Time next_sample{};
  Time written = Time::max();  // max: nothing is being written
  std::vector<Time> waiting;
  std::vector<Time> batch;
  std::chrono::nanoseconds longest{};
  while (next_sample < end) {
    const bool is_idle = written == Time::max();
    const Time begin = is_idle ? timer.due().value_or(Time::max()) : Time::max();
    const Time now = std::min({next_sample, written, begin});
    if (now == written) {
      longest = std::max(longest, now - batch.front());
      written = Time::max();
      if (!waiting.empty()) {
        timer.rows_are_left(now, false);
      }
    } else if (now == begin) {
      batch = std::exchange(waiting, {});
      timer.batch_taken();
      written = now + writing;
    } else {
      timer.sample_came(now);
      waiting.push_back(now);
      next_sample += interval;
    }
  }
  REQUIRE(longest > 0s);
  return longest;
}

}  // namespace

TEST_CASE("a sample is committed within its interval or a second whichever is longer") {
  for (const std::chrono::nanoseconds interval : std::initializer_list<std::chrono::nanoseconds>{
           1ms, 3ms, 10ms, 20ms, 100ms, 350ms, 699ms, 700ms, 701ms, 999ms, 1s, 5s, 60s, 24h}) {
    for (const std::chrono::nanoseconds writing : {1ms, 40ms, 250ms}) {
      CAPTURE(interval.count());
      CAPTURE(writing.count());
      CHECK(longest_wait(interval, writing) <= std::max<std::chrono::nanoseconds>(interval, 1s));
    }
  }
}

TEST_CASE("rows that come close together are written together") {
  BatchTimer timer({.interval = 10ms});
  CHECK(timer.sample_came(Time(1s)));
  CHECK_FALSE(timer.sample_came(Time(1010ms)));
  CHECK_FALSE(timer.event_came(Time(1015ms)));
  CHECK(timer.due() == Time(1700ms));
  timer.batch_taken();
  CHECK_FALSE(timer.due());
}

TEST_CASE("a sample of a long interval is written at once though an event waits for others") {
  BatchTimer timer({.interval = 5s});
  CHECK(timer.event_came(Time(1s)));
  CHECK(timer.sample_came(Time(1100ms)));
  CHECK(timer.due() == Time(1100ms));
}

TEST_CASE("what is left after a batch is written at once where it fills another and a failed batch soon") {
  BatchTimer timer({.interval = 10ms});
  timer.rows_are_left(Time(1s), true);
  CHECK(timer.due() == Time(1s));
  timer.batch_is_to_be_tried_again(Time(1s));
  CHECK(timer.due() == Time(1100ms));
}
