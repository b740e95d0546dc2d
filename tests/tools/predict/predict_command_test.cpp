// memtrack predict, as a user types it: files, sweeps of the database, and what the database teaches.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/end_to_end/session.h"
#include "tests/text.h"
#include "tests/tools/recorded_sweep.h"
#include "tools/predict/past_trials.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

constexpr const char* kOpenEnded =
    "name: open\nmethod: random\nparameters: {batch_size: {min: 8, max: 64}, hidden_layers: {value: [64]}}\n"
    "memtrack: {warmup: 1, jobs: 2, seed: 1}\n";

nlohmann::json predicted(const Session& session, const std::string& what) {
  return nlohmann::json::parse(session.output_of("memtrack predict --json " + what));
}

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

TEST_CASE("trainings of this machine sharpen a prediction and those of another do not") {
  RecordedSweep sweep(list_sweep());
  const Session session;
  session.write_file("s.yaml", "method: grid\nparameters: {batch_size: {value: 8}}\n");
  const auto calibrated_by = [&] {
    const std::string answer = session.output_of(sweep.asked_by("memtrack predict s.yaml --json"));
    return nlohmann::json::parse(answer).at("calibrated_by_trials").get<int>();
  };
  for (int i = 0; i < 2; ++i) sweep.record({.tree_rss_mib = 200, .peak_source = "kernel"});
  CHECK(calibrated_by() == 0);
  session.output_of(fmt::format("sqlite3 {} \"UPDATE hosts SET name = '{}'\"", sweep.path().string(), host_name()));
  CHECK(calibrated_by() == 2);
  const auto measured = nlohmann::json::parse(session.output_of(sweep.asked_by("memtrack predict --json")));
  CHECK(measured.at("trials").at(1).at("measured_mib") == 220.0);
  CHECK(measured.at("trials").at(2).at("measured_mib").is_null());
}

TEST_CASE("a run of the trainer is no training with the default parameters") {
  const Session session;
  session.write_file("memtrack-trainer", "#!/usr/bin/env python3\nkept = b'x' * (50 << 20)\n");
  session.output_of("chmod +x memtrack-trainer && memtrack run -- ./memtrack-trainer");
  session.write_file(
      "command.yaml",
      "method: grid\ncommand: [./memtrack-trainer, \"${args}\"]\nparameters: {batch_size: {value: 8}}\n");
  session.output_of("memtrack sweep command.yaml --local");
  // As on a kernel that tells it of the whole tree.
  session.output_of("sqlite3 memtrack.db \"UPDATE trial_totals SET peak_source = 'kernel'\"");
  session.write_file("s.yaml", "method: grid\nparameters: {batch_size: {value: 8}}\n");
  CHECK(predicted(session, "s.yaml").at("calibrated_by_trials") == 0);
  const CommandResult of_run = session.run("memtrack predict 1");
  CHECK(of_run.exit_code == 2);
  CHECK(contains(of_run.errors, "a trial of 'memtrack run' has no sweep file"));
}

TEST_CASE("what a prediction would leave out of account is refused") {
  RecordedSweep sweep(list_sweep());
  const Session session;
  session.write_file("s.yaml", "method: grid\nparameters: {batch_size: {value: 8}}\n");
  const CommandResult with_set = session.run(sweep.asked_by("memtrack predict 'small list' --set batch_size=4096"));
  CHECK(with_set.exit_code == 2);
  CHECK(with_set.output.empty());
  CHECK(contains(with_set.errors, "--set goes with a sweep file"));
  CHECK(session.run("memtrack predict s.yaml --fit 8GiB --solve batch_size --limit 8GiB").exit_code == 2);
}
