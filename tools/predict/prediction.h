#pragma once

// What trials will need, as `memtrack predict` tells it. Pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sweeps/trainer_parameters.h"
#include "tools/predict/resident_memory.h"
#include "tools/text_table.h"

namespace memtrack {

// Of a huge or open-ended sweep so many trials are predicted.
inline constexpr std::int64_t kMostPredicted = 10'000;

struct PredictedTrial {
  std::int64_t number = 0;
  TrainerOptions options;
  TensorPrediction tensors;
  Calibration::Peak peak;
  std::optional<double> measured_mib = {};  // where it has run: the mean over its repeats
};

PredictedTrial predict_trial(std::int64_t number, const TrainerOptions& options, const Calibration& calibration);

// The upper end of its interval is within the limit.
bool fits(const PredictedTrial& trial, std::int64_t limit_bytes);

// The largest batch that fits, at most the number of training images; nullopt: not even one image does.
std::optional<PredictedTrial> largest_fitting_batch(std::int64_t number, const TrainerOptions& options,
                                                    const Calibration& calibration, std::int64_t limit_bytes);

TextTable prediction_table(const std::vector<PredictedTrial>& trials);
std::vector<std::string> prediction_notes(const std::vector<PredictedTrial>& trials, const Calibration& calibration);
std::string prediction_json(const std::vector<PredictedTrial>& trials, const Calibration& calibration);

}  // namespace memtrack
