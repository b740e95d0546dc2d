#include <algorithm>
#include <limits>
#include <numeric>

#include "sweeps/columns.h"
#include "sweeps/definition.h"
#include "sweeps/first_trials.h"
#include "sweeps/macros.h"
#include "sweeps/random.h"
#include "sweeps/sweep.h"
#include "sweeps/trainer_parameters.h"

namespace memtrack {
namespace {

constexpr std::string_view kSeed = "seed";

ValueDict values_of(const Sweep& sweep, std::int64_t index) {
  const SweepDefinition& definition = *sweep.definition;
  if (sweep.effective_method == "grid") {
    return grid_values(definition.parameters, index);
  }
  if (sweep.effective_method == "list") {
    return row_values(definition.parameters, definition.rows[static_cast<std::size_t>(index)]);
  }
  return drawn_values(definition.parameters, sweep.settings.seed, index);
}

// What the built-in trainer does where a trial leaves a parameter out is known; so are the weights that it builds.
void complete_columns(TypedColumns& columns, const ValueDict& values) {
  const TrainerOptions defaults;
  columns.dataset = columns.dataset.value_or(defaults.dataset);
  columns.learning_rate = columns.learning_rate.value_or(defaults.learning_rate);
  columns.epochs = columns.epochs.value_or(defaults.epochs);
  columns.batch_size = columns.batch_size.value_or(defaults.batch_size);
  columns.hidden_layers = columns.hidden_layers.value_or(defaults.hidden_layers);
  TrainerOptions network{.dataset = *columns.dataset, .hidden_layers = *columns.hidden_layers};
  const auto convolutions = std::ranges::find(values, "conv_layers", &ValueMember::name);
  if (convolutions != values.end()) {
    set_trainer_option(network, convolutions->name, python_str(convolutions->value));
  }
  columns.parameter_count = count_parameters(network);
}

// Each repeat is trained from a seed of its own, which all trials of its block share: they can be compared in pairs.
// No two repeats have the same one, those of a sweep with the next seed included.
std::int64_t training_seed(const SweepSettings& settings, std::int64_t repeat) {
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>((settings.seed * kMostTrials + static_cast<std::uint64_t>(repeat - 1)) & kLargest);
}

TrialPlan plan(const Sweep& sweep, const ExpansionContext& context, const std::string& interpreter, std::int64_t index,
               std::int64_t repeat) {
  const SweepDefinition& definition = *sweep.definition;
  ValueDict values = values_of(sweep, index);
  if (sweep.built_in_trainer && find_value(values, kSeed) == nullptr) {
    values.push_back({std::string(kSeed), {training_seed(sweep.settings, repeat)}});
  }
  TrialPlan trial;
  trial.number = index + 1;
  trial.repeat = repeat;
  trial.columns = typed_columns(values, definition.columns);
  std::erase_if(values, [](const ValueMember& member) { return member.name == kReportedMemory; });
  if (sweep.built_in_trainer) {
    complete_columns(trial.columns, values);
    trial.command = hyphened_args(values);
    trial.command.insert(trial.command.begin(), context.trainer);
  } else {
    trial.command = expand_macros(definition.command, definition.program, interpreter, values);
  }
  trial.parameters_json = to_json({std::move(values)}, JsonStyle::compact);
  return trial;
}

// Empty: as listed.
std::vector<std::int64_t> order_of_block(const Sweep& sweep, std::int64_t repeat) {
  if (sweep.settings.order == TrialOrder::listed) {
    return {};
  }
  Random random(sweep.settings.seed, "memtrack order", static_cast<std::uint64_t>(repeat));
  return permutation(sweep.definition->count, random);
}

}  // namespace

void for_each_trial(const Sweep& sweep, const ExpansionContext& context,
                    const std::function<void(const TrialPlan&)>& take) {
  if (sweep.is_open_ended) return;
  const std::string interpreter = find_interpreter(context.environment);
  const std::int64_t count = sweep.definition->count;
  const Share share = context.share.value_or(Share());
  for (std::int64_t repeat = 1; repeat <= sweep.settings.repeats; ++repeat) {
    const std::vector<std::int64_t> order = order_of_block(sweep, repeat);
    const auto take_place = [&](std::int64_t place, bool is_warmup) {
      TrialPlan trial =
          plan(sweep, context, interpreter, order.empty() ? place : order[static_cast<std::size_t>(place)], repeat);
      trial.is_warmup = is_warmup;
      take(trial);
    };
    for (std::int64_t i = 0; repeat == 1 && i < sweep.settings.warmup; ++i) {
      take_place(i % count, true);
    }
    for (std::int64_t place = 0; place < count; ++place) {
      if (share.holds((repeat - 1) * count + place)) take_place(place, false);
    }
  }
}

void for_each_drawn_trial(const Sweep& sweep, const ExpansionContext& context, std::int64_t first_number,
                          std::int64_t count, const std::function<void(const TrialPlan&)>& take) {
  if (context.share) {
    throw SweepError("sweep '" + sweep.name + "' has no end, and so no shares; give --count N, or run_cap in the file");
  }
  const std::string interpreter = find_interpreter(context.environment);
  for (std::int64_t i = 0; first_number == 1 && i < sweep.settings.warmup; ++i) {
    TrialPlan trial = plan(sweep, context, interpreter, i, 1);
    trial.is_warmup = true;
    take(trial);
  }
  for (std::int64_t index = first_number - 1; index < first_number - 1 + count; ++index) {
    take(plan(sweep, context, interpreter, index, 1));
  }
}

bool for_each_first_trial(const Sweep& sweep, const ExpansionContext& context, std::int64_t most,
                          const std::function<void(const TrialPlan&)>& take) {
  const std::string interpreter = find_interpreter(context.environment);
  const std::int64_t count = sweep.is_open_ended ? most : std::min(most, sweep.definition->count);
  for (std::int64_t index = 0; index < count; ++index) {
    take(plan(sweep, context, interpreter, index, 1));
  }
  return count == sweep.definition->count;
}

}  // namespace memtrack
