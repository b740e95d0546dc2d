#include "tools/predict/limit_warning.h"

#include <fmt/format.h>

#include "tools/predict/past_trials.h"
#include "tools/predict/prediction.h"
#include "tools/text.h"

namespace memtrack {
namespace {

constexpr std::int64_t kMostTrials = 10'000;

struct TooLarge {
  std::int64_t looked_at = 0;
  std::int64_t count = 0;
  std::optional<PredictedTrial> largest;
};

TooLarge find_too_large(const Sweep& sweep, const Calibration& calibration, std::int64_t limit) {
  TooLarge found;
  for_each_trial(sweep, {.environment = {}, .trainer = "memtrack-trainer"}, [&](const TrialPlan& plan) {
    if (plan.repeat != 1 || plan.is_warmup || found.looked_at == kMostTrials) return;
    ++found.looked_at;
    PredictedTrial trial = predict_trial(plan.number, trainer_options_of(plan.parameters_json), calibration);
    if (fits(trial, limit)) return;
    ++found.count;
    if (!found.largest || trial.peak.mib > found.largest->peak.mib) found.largest = std::move(trial);
  });
  return found;
}

}  // namespace

std::optional<std::string> limit_warning(const Sweep& sweep, const Calibration& calibration, const std::string& file) {
  const std::optional<std::int64_t> limit = sweep.settings.memory_limit_bytes;
  if (!limit || !sweep.built_in_trainer) return std::nullopt;
  const TooLarge found = find_too_large(sweep, calibration, *limit);
  if (found.count == 0) return std::nullopt;
  const Calibration::Peak& peak = found.largest->peak;
  return fmt::format(
      "{} of {} may not fit the memory_limit of {}: trial {} will take {:.0f} MiB ({:.0f} to {:.0f}). All of them: "
      "memtrack "
      "predict {} --fit {}",
      found.count, count_of(found.looked_at, "trial"), format_size(*limit), found.largest->number, peak.mib,
      peak.interval.low, peak.interval.high, shell_word(file), format_size(*limit));
}

}  // namespace memtrack
