#include "collector/event_tally.h"

#include <doctest/doctest.h>

#include <string>

using namespace memtrack;

namespace {

std::string numbered(int seq, int sender) {
  return R"({"event":"metric","name":"x","value":1,"seq":)" + std::to_string(seq) + R"(,"sender":)" +
         std::to_string(sender) + "}";
}

}  // namespace

TEST_CASE("what is no event is counted and harms nothing") {
  EventTally tally;
  for (const char* text : {"", "{", "[]", "{\"event\":1}", "{\"event\":\"phase\"}", "\xff\xfe", "null"}) {
    CAPTURE(text);
    CHECK_FALSE(tally.take(text));
  }
  tally.count_oversize();
  CHECK(tally.malformed() == 8);
  CHECK(tally.missing() == 0);
  CHECK(tally.take(R"({"event":"phase","name":"train"})"));
}

TEST_CASE("gaps in the numbers are counted sender by sender") {
  EventTally tally;
  for (const auto& [seq, sender] : {std::pair{1, 7}, {2, 7}, {5, 7}, {1, 8}, {6, 7}, {3, 8}}) {
    CHECK(tally.take(numbered(seq, sender)));
  }
  CHECK(tally.missing() == 3);
}

TEST_CASE("a sender whose first events never came lacks them") {
  EventTally tally;
  tally.take(numbered(4, 7));
  CHECK(tally.missing() == 3);
}

TEST_CASE("numbers that begin again are another process with the same pid") {
  EventTally tally;
  tally.take(numbered(1, 7));
  tally.take(numbered(2, 7));
  tally.take(numbered(1, 7));
  tally.take(numbered(2, 7));
  CHECK(tally.missing() == 0);
}

TEST_CASE("two senders that do not say who they are make no gaps of each other") {
  EventTally tally;
  for (const int seq : {1, 1, 2, 2, 3, 3}) {
    tally.take(R"({"event":"x","seq":)" + std::to_string(seq) + "}");
  }
  CHECK(tally.missing() == 0);
}

TEST_CASE("numbers made up do not make figures absurd, nor many senders memory") {
  EventTally tally;
  tally.take(R"({"event":"x","seq":9223372036854775807,"sender":1})");
  tally.take(R"({"event":"x","seq":-9223372036854775808,"sender":1})");
  tally.take(R"({"event":"x","seq":0})");
  CHECK(tally.missing() == 0);
  for (int sender = 0; sender < 20'000; ++sender) {
    tally.take(numbered(1, sender));
  }
  CHECK(tally.missing() == 0);
}

TEST_CASE("time is spent in the phase in force, over all its visits") {
  PhaseClock phases;
  CHECK(phases.current().empty());
  CHECK(phases.totals(100).empty());
  phases.enter("load", 1000);
  phases.enter("train", 1500);
  phases.enter("train", 1700);  // no boundary
  phases.enter("load", 2000);
  CHECK(phases.current() == "load");
  CHECK(phases.totals(2100) == std::map<std::string, std::int64_t>{{"load", 600}, {"train", 500}});
  CHECK_FALSE(phases.is_boundary("load"));
  CHECK_FALSE(phases.is_boundary(""));
  CHECK(phases.is_boundary("train"));
}

TEST_CASE("a program that names phases without end stays in its last one") {
  PhaseClock phases;
  for (int i = 0; i < 5000; ++i) {
    phases.enter("phase " + std::to_string(i), i);
  }
  CHECK(phases.totals(5000).size() == PhaseClock::kMostPhases);
  CHECK(phases.current() == "phase 999");
  phases.enter("phase 0", 6000);
  CHECK(phases.current() == "phase 0");
}
