#include "tools/predict/fit_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "sweeps/first_trials.h"
#include "tools/predict/past_trials.h"
#include "tools/predict/prediction.h"
#include "tools/text.h"

namespace memtrack {
namespace {

// Returns how many were looked at.
std::int64_t for_each_predicted(const Sweep& sweep, const Calibration& calibration,
                                const std::function<void(PredictedTrial)>& take) {
  std::int64_t looked_at = 0;
  const ExpansionContext context{.environment = {}, .trainer = "memtrack-trainer"};
  for_each_first_trial(sweep, context, kMostPredicted, [&](const TrialPlan& plan) {
    ++looked_at;
    take(predict_trial(plan.number, trainer_options_of(plan.parameters_json), calibration));
  });
  return looked_at;
}

void keep_larger(std::optional<PredictedTrial>& largest, PredictedTrial trial) {
  if (!largest || trial.peak.interval.high > largest->peak.interval.high) largest = std::move(trial);
}

std::string peak_text(const PredictedTrial& trial) {
  const Calibration::Peak& peak = trial.peak;
  return fmt::format("trial {} will take {:.0f} MiB ({:.0f} to {:.0f})", trial.number, peak.mib, peak.interval.low,
                     peak.interval.high);
}

std::optional<FewerJobs> fewer_jobs_of(const Sweep& sweep, const Calibration& calibration, std::int64_t machine_bytes) {
  const SweepSettings& settings = sweep.settings;
  if (settings.memory_limit_bytes || settings.jobs < 2 || !sweep.built_in_trainer) return std::nullopt;
  std::optional<PredictedTrial> largest;
  for_each_predicted(sweep, calibration, [&](PredictedTrial trial) { keep_larger(largest, std::move(trial)); });
  if (!largest) return std::nullopt;
  const double each = largest->peak.interval.high * kMib;
  const auto fitting = static_cast<std::int64_t>(static_cast<double>(machine_bytes) / each);
  if (fitting >= settings.jobs) return std::nullopt;
  const std::int64_t jobs = std::max<std::int64_t>(fitting, 1);
  return FewerJobs{jobs, fmt::format("{} at a time and not {}: {}, and this machine has {:.0f} MiB", jobs,
                                     settings.jobs, peak_text(*largest), static_cast<double>(machine_bytes) / kMib)};
}

}  // namespace

std::optional<std::string> limit_warning(const Sweep& sweep, const Calibration& calibration, const std::string& file) {
  const std::optional<std::int64_t> limit = sweep.settings.memory_limit_bytes;
  if (!limit || !sweep.built_in_trainer) return std::nullopt;
  std::int64_t too_large = 0;
  std::optional<PredictedTrial> largest;
  const std::int64_t looked_at = for_each_predicted(sweep, calibration, [&](PredictedTrial trial) {
    if (fits(trial, *limit)) return;
    ++too_large;
    keep_larger(largest, std::move(trial));
  });
  if (!largest) return std::nullopt;
  return fmt::format("{0} of {1} may not fit the memory_limit of {2}: {3}. All of them: memtrack predict {4} --fit {2}",
                     too_large, count_of(looked_at, "trial"), format_size(*limit), peak_text(*largest),
                     shell_word(file));
}

std::optional<FewerJobs> fewer_jobs(std::span<const Sweep> sweeps, const Calibration& calibration,
                                    std::int64_t machine_bytes) {
  std::optional<FewerJobs> fewest;
  std::int64_t asked_for = std::numeric_limits<std::int64_t>::max();
  for (const Sweep& sweep : sweeps) {
    asked_for = std::min(asked_for, sweep.settings.jobs);
    const std::optional<FewerJobs> fewer = fewer_jobs_of(sweep, calibration, machine_bytes);
    if (fewer && (!fewest || fewer->jobs < fewest->jobs)) fewest = fewer;
  }
  if (fewest && asked_for < fewest->jobs) {
    *fewest = {asked_for, fewest->why + fmt::format("; {} for all, as another sweep of the file asks", asked_for)};
  }
  return fewest;
}

}  // namespace memtrack
