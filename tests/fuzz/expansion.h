#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "sweeps/sweep.h"
#include "tests/fuzz/fuzz.h"

namespace memtrack::testing {

// Parses a sweep file and makes the trials of sweeps that are small enough for it. Throws SweepError.
inline void parse_and_expand(std::string_view text, const Overrides& overrides,
                             const std::map<std::string, std::string>& environment) {
  constexpr std::int64_t kMostTrials = 200;
  const ExpansionContext context{.environment = environment, .trainer = "/usr/libexec/memtrack/memtrack-trainer"};
  for (const Sweep& sweep : parse_sweep_file(text, "fuzz.yaml", overrides)) {
    require(sweep.trial_count >= 0 && sweep.trial_count <= 1'000'000, "a sweep has at most a million trials");
    if (sweep.trial_count > kMostTrials) {
      continue;
    }
    std::int64_t count = 0;
    for_each_trial(sweep, context, [&](const TrialPlan& trial) {
      ++count;
      require(nlohmann::json::accept(trial.parameters_json), "a trial's parameters are JSON");
      require(!trial.command.empty(), "a trial has a command");
    });
    require(count == sweep.trial_count, "a sweep has as many trials as it says");
  }
}

}  // namespace memtrack::testing
