#include "collector/trial_clock.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/collector/collected_trial.h"

using namespace memtrack;
using namespace memtrack::testing;
using namespace std::chrono_literals;

TEST_CASE("a trial's time is the time of day at its begin and goes on by a clock that is never set") {
  const BootClock::time_point begin(5s);
  TrialClock clock(1'000'000'000'000, begin);
  CHECK(clock.at(begin) == 1'000'000'000'000);
  CHECK(clock.at(begin + 90min) == 1'000'000'000'000 + std::chrono::nanoseconds(90min).count());
}

TEST_CASE("of two samples the second is the later one also where both were taken at once") {
  const BootClock::time_point begin(5s);
  TrialClock clock(1'000, begin);
  CHECK(clock.next(begin + 7ns) == 1'007);
  CHECK(clock.next(begin + 7ns) == 1'008);
  CHECK(clock.next(begin + 2ns) == 1'009);
  CHECK(clock.next(begin + 20ns) == 1'020);
}

TEST_CASE("a clock that is set back an hour while a trial runs changes none of its times") {
#ifdef __SANITIZE_ADDRESS__
  MESSAGE("the sanitizer wants to be loaded first: not tested");
#else
  CollectedTrial* running = nullptr;
  CollectedTrial trial({"sh", "-c", "while [ ! -e end ]; do sleep 0.01; done"},
                       {.interval = 10ms, .before_exec = [&] {
                          setenv("LD_PRELOAD", MEMTRACK_BUILD_DIR "/tests/collector/libstepped_clock.so", 1);
                          setenv("STEPPED_CLOCK", running->path("stepped").c_str(), 1);
                        }});
  running = &trial;
  const std::int64_t begin_ns = now_ns();
  trial.start();
  REQUIRE(wait_until([&] { return trial.number("SELECT count(*) FROM samples") > 10; }));
  std::ofstream(trial.path("stepped")) << "";
  const std::string before = trial.sql("SELECT count(*) FROM samples");
  REQUIRE(wait_until([&] { return trial.sql("SELECT count(*) FROM samples") != before; }));
  std::ofstream(trial.path("end")) << "";
  CHECK(trial.wait() == 0);
  const std::string now = std::to_string(now_ns());
  CHECK(trial.sql("SELECT count(*) FROM samples WHERE time_ns NOT BETWEEN " + std::to_string(begin_ns) + " AND " +
                  now) == "0");
  CHECK(trial.sql("SELECT ended_ns BETWEEN (SELECT max(time_ns) FROM samples) AND " + now + " FROM trials") == "1");
#endif
}
