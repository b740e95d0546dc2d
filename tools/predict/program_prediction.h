#pragma once

// What trials of a program that is not ours will need, as `memtrack predict` tells it. Pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/predict/regression.h"
#include "tools/text_table.h"

namespace memtrack {

struct PredictedRun {
  std::int64_t number = 0;
  ParameterValues parameters;
  std::optional<Regression::Answer> peak = {};  // nullopt: `unknown` was never measured
  std::string unknown = {};
  std::optional<double> measured_mib = {};  // where it has run: the mean over its repeats
};

PredictedRun predict_run(std::int64_t number, const ParameterValues& parameters, const Regression& regression);

// The upper end of its interval is within the limit. What is not known does not fit.
bool fits(const PredictedRun& run, std::int64_t limit_bytes);

TextTable run_prediction_table(const std::vector<PredictedRun>& runs);
std::vector<std::string> run_prediction_notes(const std::vector<PredictedRun>& runs, const Regression& regression);
std::string run_prediction_json(const std::vector<PredictedRun>& runs, const Regression& regression);

}  // namespace memtrack
