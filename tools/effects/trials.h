#pragma once

// From a sweep's trials in the database to what the model of their effects is asked.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database.h"
#include "tools/effects/model.h"

namespace memtrack {

struct EffectMetric {
  std::string_view name;     // "anon": what --metric says
  std::string_view title;    // "anonymous memory"
  std::string_view meaning;  // one sentence's middle
  // Of trial t: bytes in its phase ?2, or over the whole trial. Empty: it has no phases.
  std::string_view phase_sql, whole_sql;
};
std::span<const EffectMetric> effect_metrics();

// Throws UsageError naming the nearest and all of them.
const EffectMetric& find_effect_metric(std::string_view name);

// A trial that is done, its last attempt, no warm-up.
struct MeasuredTrial {
  std::int64_t number = 0;
  std::int64_t repeat = 1;
  std::int64_t started_ns = 0;
  std::optional<std::string> dataset = {};
  std::optional<double> learning_rate = {};
  std::optional<std::int64_t> epochs = {}, batch_size = {}, depth = {}, hidden_nodes = {}, parameter_count = {};
  std::optional<std::string> hidden_layers = {};  // a JSON list
  std::string parameters = "{}";                  // JSON
  std::optional<double> bytes = {};               // of the metric; NULL: not read
  std::optional<bool> has_diverged = {};          // its last loss was no number, or infinite
};

struct MeasuredSweep {
  std::vector<MeasuredTrial> trials;
  std::int64_t unfinished = 0;  // failed, cancelled, queued, ...
};
// `phase`: none, and of a metric without phases, the whole trial.
MeasuredSweep read_measured_sweep(Database& database, std::int64_t sweep_id, const EffectMetric& metric,
                                  const std::optional<std::string>& phase);

struct Question {
  Experiment experiment;
  std::vector<std::string> left_out;  // sentences: trials and hyperparameters that take no part, and why
};

// Terms of the trials' typed columns, of the network that they describe, and of all other parameters that vary.
// `only`: names of terms, empty: all. Throws NoEffects where no trial has a figure, UsageError for an unknown name.
Question effect_question(const MeasuredSweep& sweep, const EffectMetric& metric, const std::vector<std::string>& only);

}  // namespace memtrack
