#include "collector/ticks.h"

#include <doctest/doctest.h>

using namespace memtrack;
using namespace std::chrono_literals;

TEST_CASE("ticks come at whole intervals and each is taken once") {
  const BootClock::time_point first(5s);
  Ticks ticks(first, 10ms);
  CHECK(ticks.take(first - 1ns) == 0);
  CHECK(ticks.next() == first);
  CHECK(ticks.take(first) == 1);
  CHECK(ticks.next() == first + 10ms);
  CHECK(ticks.take(first + 9ms) == 0);
  CHECK(ticks.take(first + 11ms) == 1);
  CHECK(ticks.next() == first + 20ms);
}

TEST_CASE("ticks that passed unread are told at once and none of them comes again") {
  const BootClock::time_point first(5s);
  Ticks ticks(first, 1ms);
  CHECK(ticks.take(first + 4s) == 4001);
  CHECK(ticks.next() == first + 4s + 1ms);
  CHECK(ticks.take(first + 4s) == 0);
}
