// memtrack predict, as a user types it: files, sweeps of the database, and what the database teaches.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/end_to_end/session.h"
#include "tests/text.h"
#include "tests/tools/recorded_sweep.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

constexpr const char* kOpenEnded =
    "name: open\nmethod: random\nparameters: {batch_size: {min: 8, max: 64}, hidden_layers: {value: [64]}}\n"
    "memtrack: {warmup: 1, jobs: 2, seed: 1}\n";

}  // namespace

TEST_CASE("of an open-ended sweep the first trials are predicted and it is said that there are more") {
  const Session session;
  session.write_file("open.yaml", kOpenEnded);
  const CommandResult result = session.run("memtrack predict open.yaml --json");
  REQUIRE(result.exit_code == 0);
  CHECK(nlohmann::json::parse(result.output).at("trials").size() == 20);
  CHECK(result.errors == "of sweep 'open' the first 20 trials are predicted\n");
  CHECK(contains(session.output_of("memtrack predict open.yaml --fit 100GiB"), "0 of 10000 trials may not fit 100GiB"));
  CHECK(session.run("memtrack sweep open.yaml --dry-run").exit_code == 0);
}

TEST_CASE("a shuffled sweep is predicted once a number without its repeats and warm-ups") {
  const Session session;
  session.write_file("s.yaml",
                     "method: grid\nparameters: {batch_size: {values: [8, 16, 32]}}\n"
                     "memtrack: {warmup: 2, repeats: 2, order: shuffled}\n");
  const CommandResult result = session.run("memtrack predict s.yaml --json");
  CHECK(result.errors.empty());
  const auto trials = nlohmann::json::parse(result.output).at("trials");
  REQUIRE(trials.size() == 3);
  CHECK(trials[2].at("number") == 3);
}
