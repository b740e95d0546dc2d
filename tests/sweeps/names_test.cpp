#include <doctest/doctest.h>

#include <array>
#include <stdexcept>
#include <string>

#include "sweeps/nearest_name.h"
#include "sweeps/trial_state.h"

using namespace memtrack;

TEST_CASE("the nearest name is found for slips of the finger, not for other words") {
  constexpr std::array<std::string_view, 5> kKnown = {"interval", "repeats", "order", "seed", "memory_limit"};
  CHECK(nearest_name("intervall", kKnown) == "interval");
  CHECK(nearest_name("intreval", kKnown) == "interval");
  CHECK(nearest_name("INTERVAL", kKnown) == "interval");
  CHECK(nearest_name("repeat", kKnown) == "repeats");
  CHECK(nearest_name("memory-limit", kKnown) == "memory_limit");
  CHECK(nearest_name("sed", kKnown) == "seed");
  CHECK(nearest_name("", kKnown).empty());
  CHECK(nearest_name("colour", kKnown).empty());
  CHECK(nearest_name(std::string(100000, 'x'), kKnown).empty());
  CHECK(did_you_mean("sed", kKnown) == "; did you mean 'seed'?");
  CHECK(did_you_mean("colour", kKnown).empty());
}

TEST_CASE("a quotation fits into one line of a message") {
  CHECK(quoted("two") == "'two'");
  CHECK(quoted("a\nb\x01") == "'a b '");
  CHECK(quoted(std::string(41, 'x')) == "'" + std::string(40, 'x') + "...'");
  CHECK(quoted(std::string(39, 'x') + "ö") == "'" + std::string(39, 'x') + "...'");  // no half character
}

TEST_CASE("states have one word each, and are final or not") {
  for (const TrialState state :
       {TrialState::queued, TrialState::running, TrialState::done, TrialState::failed, TrialState::oom_killed,
        TrialState::timed_out, TrialState::cancelled, TrialState::lost}) {
    CHECK(parse_trial_state(to_string(state)) == state);
    CHECK(is_final(state) == (state != TrialState::queued && state != TrialState::running));
  }
  CHECK_THROWS_AS(parse_trial_state("Done"), std::invalid_argument);
  CHECK_THROWS_AS(parse_trial_state(""), std::invalid_argument);
}
