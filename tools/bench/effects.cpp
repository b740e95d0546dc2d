// How often `memtrack effects` is right on sweeps whose truth is known: the paper's 21 rows, run so many times in
// shuffled blocks, with memory made up from arithmetic, what each network does besides, and noise. Prints Markdown for
// docs/benchmarks.md.
//
//   bench/effects SWEEP_FILE NETWORK_MIB TRIAL_MIB [SIMULATIONS]
//
// NETWORK_MIB: standard deviation of what a network does besides the line; TRIAL_MIB: of its repeats. Both as measured:
// docs/paper.md.

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <random>

#include "sweeps/sweep.h"
#include "tools/effects/trials.h"
#include "tools/predict/past_trials.h"
#include "tools/predict/prediction.h"
#include "tools/text.h"

using namespace memtrack;

namespace {

constexpr int kRepeats = 10;

struct Spread {
  double network_mib;
  double trial_mib;
};

Sweep parse(const std::string& path, std::int64_t repeats) {
  std::ifstream stream(path);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  return parse_sweep_file(text, path, {.repeats = repeats}).at(0);
}

std::vector<MeasuredTrial> trials_of(const Sweep& sweep) {
  std::vector<MeasuredTrial> trials;
  for_each_trial(sweep, {.environment = {}, .trainer = "memtrack-trainer"}, [&](const TrialPlan& plan) {
    if (plan.is_warmup) return;
    const TypedColumns& columns = plan.columns;
    MeasuredTrial trial{.number = plan.number, .repeat = plan.repeat};
    trial.started_ns = static_cast<std::int64_t>(trials.size() + 1);
    trial.dataset = columns.dataset;
    trial.learning_rate = columns.learning_rate;
    trial.epochs = columns.epochs;
    trial.batch_size = columns.batch_size;
    trial.hidden_layers = fmt::format("[{}]", fmt::join(*columns.hidden_layers, ","));
    trial.depth = static_cast<std::int64_t>(columns.hidden_layers->size());
    trial.hidden_nodes = 0;
    for (const std::int64_t width : *columns.hidden_layers) *trial.hidden_nodes += width;
    trial.parameter_count = columns.parameter_count;
    trial.parameters = plan.parameters_json;
    trials.push_back(std::move(trial));
  });
  return trials;
}

// 168 MiB, 16 bytes a parameter, the data set; and `effect_mib` from the smallest learning rate to the largest.
void make_up(std::vector<MeasuredTrial>& trials, double effect_mib, const Spread& spread, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::map<std::int64_t, double> besides;
  double low = 1e300, high = -1e300;
  for (const MeasuredTrial& trial : trials) {
    if (!besides.contains(trial.number)) besides[trial.number] = normal(random) * spread.network_mib;
    low = std::min(low, std::log10(*trial.learning_rate));
    high = std::max(high, std::log10(*trial.learning_rate));
  }
  for (MeasuredTrial& trial : trials) {
    const double share = (std::log10(*trial.learning_rate) - low) / (high - low);
    const double data = trial.dataset == "cifar-10" ? 176 : 52;
    trial.bytes = kMib * (168 + data + effect_mib * share + besides[trial.number] + normal(random) * spread.trial_mib) +
                  16.0 * static_cast<double>(*trial.parameter_count);
  }
}

struct Rates {
  double learning_rate = 0;  // share of sweeps where it was seen to move memory
  double run_order = 0;
  double any_other = 0;  // of what does nothing beside the controls: epochs, depth, batch size and its products
};

Rates simulate(std::vector<MeasuredTrial> trials, double effect_mib, const Spread& spread, int simulations) {
  constexpr int kPermutations = 499;
  std::mt19937_64 random(static_cast<std::uint64_t>(effect_mib) + 1);
  Rates rates;
  for (int i = 0; i < simulations; ++i) {
    make_up(trials, effect_mib, spread, random);
    const Question question = effect_question({.trials = trials}, find_effect_metric("anon"), {});
    const Effects effects = estimate_effects(question.experiment, kPermutations, static_cast<std::uint64_t>(i));
    bool any_other = false;
    for (const Effect& effect : effects.effects) {
      const double seen = effect.adjusted_p < 0.05 ? 1.0 / simulations : 0;
      if (effect.name == "learning rate") rates.learning_rate += seen;
      if (effect.name == kRunOrder) rates.run_order += seen;
      const bool is_nothing =
          effect.name == "epochs" || effect.name == "depth" || effect.name.starts_with("batch size");
      any_other = any_other || (is_nothing && seen > 0);
    }
    rates.any_other += any_other ? 1.0 / simulations : 0;
  }
  return rates;
}

double seconds_of(const auto& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double seconds_of_effects(const std::string& path, const Spread& spread) {
  std::vector<MeasuredTrial> trials = trials_of(parse(path, 48));
  trials.resize(1000);
  std::mt19937_64 random(1);
  make_up(trials, 0, spread, random);
  return seconds_of([&] {
    const Question question = effect_question({.trials = trials}, find_effect_metric("anon"), {});
    estimate_effects(question.experiment, 2000, 0);
  });
}

double seconds_of_predictions(const std::string& path) {
  constexpr int kTrials = 10'000;
  const std::vector<MeasuredTrial> trials = trials_of(parse(path, 1));
  const Calibration calibration = Calibration::built_in();
  return seconds_of([&] {
    for (std::size_t i = 0; i < kTrials; ++i) {
      predict_trial(1, trainer_options_of(trials[i % trials.size()].parameters), calibration);
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: {} SWEEP_FILE NETWORK_MIB TRIAL_MIB [SIMULATIONS]\n", argv[0]);
    return 2;
  }
  const std::string path = argv[1];
  const Spread spread{std::atof(argv[2]), std::atof(argv[3])};
  const int simulations = argc > 4 ? std::atoi(argv[4]) : 400;
  const std::vector<MeasuredTrial> trials = trials_of(parse(path, kRepeats));
  const Rates nothing = simulate(trials, 0, spread, simulations);
  const Rates five = simulate(trials, 5, spread, simulations);
  fmt::print("{} simulated sweeps of {} trials each; a network's own deviation {} MiB, its repeats' {} MiB\n\n",
             simulations, trials.size(), spread.network_mib, spread.trial_mib);
  fmt::print("| figure | here | goal |\n| --- | --- | --- |\n");
  fmt::print("| false alarms: a control (learning rate or run order) | {:.1f}% | <= 6% |\n",
             100 * (nothing.learning_rate + nothing.run_order));
  fmt::print("| false alarms: any of the others that do nothing | {:.1f}% | <= 6% |\n", 100 * nothing.any_other);
  fmt::print("| 5 MiB by the learning rate over its range are seen | {:.1f}% | >= 90% |\n", 100 * five.learning_rate);
  fmt::print("| effects on 1,000 trials, 2,000 permutations | {:.2f} s | <= 5 s |\n", seconds_of_effects(path, spread));
  fmt::print("| predict 10,000 trials | {:.2f} s | <= 1 s |\n", seconds_of_predictions(path));
  return 0;
}
