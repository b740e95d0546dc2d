#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "storage/query.h"
#include "tests/end_to_end/session.h"
#include "tests/text.h"
#include "tests/tools/recorded_sweep.h"
#include "tools/effects/effects_text.h"
#include "tools/effects/trials.h"
#include "tools/exit_codes.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

// One hidden layer of very different widths, learning rates and batch sizes that do not go along with them.
std::string networks(const std::string& settings, const std::string& optimizer = "adam") {
  return "name: networks\nmethod: list\nparameters: {dataset: {value: mnist}, epochs: {value: 1}, optimizer: {value: " +
         optimizer +
         "}}\ntrials:\n"
         "  - {learning_rate: 0.01, batch_size: 64, hidden_layers: [1000]}\n"
         "  - {learning_rate: 0.0001, batch_size: 32, hidden_layers: [2000], reported_memory_mib: 2600.0}\n"
         "  - {learning_rate: 0.1, batch_size: 8, hidden_layers: [3000], reported_memory_mib: 2500.0}\n"
         "  - {learning_rate: 0.001, batch_size: 128, hidden_layers: [4000], reported_memory_mib: 2650.0}\n"
         "  - {learning_rate: 0.003, batch_size: 16, hidden_layers: [5000], reported_memory_mib: 2700.0}\n"
         "  - {learning_rate: 0.3, batch_size: 100, hidden_layers: [6000], reported_memory_mib: 2620.0}\n"
         "  - {learning_rate: 0.0003, batch_size: 50, hidden_layers: [7000], reported_memory_mib: 2810.0}\n"
         "  - {learning_rate: 0.02, batch_size: 10, hidden_layers: [8000], reported_memory_mib: 2780.0}\n"
         "memtrack: {interval: 100ms, " +
         settings + "}\n";
}

struct NextTrial {
  double parameters = 0;
  double place = 0;  // in the order of the runs, from 1
};

// Runs all trials; `anonymous_mib` says what each uses.
void run_all(RecordedSweep& sweep, const std::function<double(const NextTrial&)>& anonymous_mib) {
  for (double place = 1;; ++place) {
    const ResultTable next =
        query(sweep.database(), "SELECT parameter_count FROM trials WHERE state = 'queued' ORDER BY trial_id LIMIT 1");
    if (next.rows.empty()) return;
    const auto parameters = static_cast<double>(std::get<std::int64_t>(next.rows[0][0]));
    sweep.record({.used_mib = {1000}, .tree_rss_mib = std::lround(anonymous_mib({parameters, place})) + 5});
  }
}

double adam_mib(const NextTrial& trial) {
  return 100 + trial.parameters * 16 / (1024 * 1024);
}

EffectsAnswer ask(RecordedSweep& sweep, const std::string& metric = "anon",
                  const std::vector<std::string>& terms = {}) {
  const EffectMetric& found = find_effect_metric(metric);
  const std::optional<std::string> phase = found.phase_sql.empty() ? std::nullopt : std::optional<std::string>("train");
  const MeasuredSweep measured = read_measured_sweep(sweep.database(), 1, found, phase);
  Question question = effect_question(measured, found, terms);
  return {.sweep = "networks",
          .metric = std::string(found.title),
          .meaning = std::string(found.meaning),
          .phase = phase.value_or(""),
          .effects = estimate_effects(question.experiment, 499, 0),
          .left_out = question.left_out};
}

const Effect& effect(const EffectsAnswer& answer, const std::string& name) {
  for (const Effect& effect : answer.effects.effects) {
    if (effect.name == name) return effect;
  }
  FAIL("no effect " << name);
  return answer.effects.effects.front();
}

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("parameters move memory by what arithmetic says and the learning rate does not") {
  RecordedSweep sweep(networks("repeats: 3, order: shuffled, seed: 4"));
  run_all(sweep, adam_mib);
  const EffectsAnswer answer = ask(sweep);
  CHECK(answer.effects.trials == 24);
  CHECK(answer.effects.networks == 8);
  CHECK(answer.effects.blocks == 3);
  CHECK(answer.phase == "train");
  CHECK(answer.effects.effects.front().name == "parameters");
  CHECK(effect(answer, "parameters").contrasts.at(0).slope == doctest::Approx(15.2588).epsilon(0.02));
  CHECK(effect(answer, "parameters").adjusted_p < 0.05);
  CHECK(effect(answer, "learning rate").adjusted_p > 0.05);
  CHECK(violated_controls(answer.effects).empty());
  CHECK(effects_head(answer).back().starts_with("Controls hold: no effect of learning rate and run order was seen"));
}

TEST_CASE("memory that follows the order of the runs is the first line of the answer") {
  RecordedSweep sweep(networks("repeats: 3, order: shuffled, seed: 4"));
  run_all(sweep, [](const NextTrial& trial) { return adam_mib(trial) + 5 * trial.place; });
  const EffectsAnswer answer = ask(sweep);
  REQUIRE_FALSE(violated_controls(answer.effects).empty());
  CHECK(effects_head(answer).front().starts_with("CONTROL VIOLATED: run order should do nothing and moves memory by"));
  CHECK(nlohmann::json::parse(effects_json(answer))["violated_controls"].size() >= 1);
}

TEST_CASE("a figure that holds half of what parameters take violates arithmetic") {
  RecordedSweep sweep(networks("repeats: 2, order: shuffled"));
  run_all(sweep, [](const NextTrial& trial) { return 100 + trial.parameters * 8 / (1024 * 1024); });
  const EffectsAnswer answer = ask(sweep);
  REQUIRE(violated_controls(answer.effects).size() == 1);
  CHECK(violated_controls(answer.effects)[0].find("where arithmetic says 15.3 to 34.3") != std::string::npos);
}

TEST_CASE("published figures are asked in the order of their table before anything ran") {
  RecordedSweep sweep(networks("repeats: 2"));
  const EffectsAnswer answer = ask(sweep, "reported", {"learning rate", "batch size"});
  CHECK(answer.effects.trials == 7);  // each once, the first has none
  CHECK(answer.effects.effects.front().name == kRunOrder);
}

TEST_CASE("effects can be asked for one by one") {
  RecordedSweep sweep(networks("repeats: 2, order: shuffled"));
  run_all(sweep, adam_mib);
  const EffectsAnswer answer = ask(sweep, "anon", {"parameters"});
  CHECK(answer.effects.effects.size() == 2);  // and run order
  CHECK(message_of([&] { ask(sweep, "anon", {"paramters"}); }).find("some of: 'batch size', 'batch size x") !=
        std::string::npos);
}

TEST_CASE("each effect of a sweep over optimizers can be named where names stand between commas") {
  RecordedSweep sweep(
      "name: optimizers\nmethod: grid\nparameters:\n  optimizer: {values: [adam, sgd]}\n"
      "  hidden_layers: {values: [[100], [200], [400]]}\n  epochs: {value: 1}\nmemtrack: {interval: 100ms}\n");
  run_all(sweep, adam_mib);
  std::string weights;
  for (const Effect& effect : ask(sweep).effects.effects) {
    CHECK(effect.name.find(',') == std::string::npos);
    if (effect.name.starts_with("weights")) weights = effect.name;
  }
  CHECK(ask(sweep, "anon", {" " + weights}).effects.effects.size() == 2);  // and run order
}

TEST_CASE("a hyperparameter that some trials lack or have as 0 is said to take no part") {
  RecordedSweep sweep(
      "name: lacking\nmethod: list\nprogram: train.py\ntrials:\n  - {learning_rate: 0, batch_size: 8, width: 10}\n"
      "  - {learning_rate: 0.1, batch_size: 16, width: 20}\n  - {learning_rate: 0.2, width: 40}\n"
      "  - {learning_rate: 0, batch_size: 32, width: 80}\nmemtrack: {interval: 100ms}\n");
  for (int i = 0; i < 4; ++i) sweep.record({.used_mib = {1000}, .tree_rss_mib = 100 + i});
  const std::vector<std::string> left_out = ask(sweep).left_out;
  CHECK(left_out ==
        std::vector<std::string>{"Left out: batch size, which 1 of 4 trials do not have, or not above 0.",
                                 "Left out: learning rate, which 2 of 4 trials do not have, or not above 0."});
}

TEST_CASE("effects of a phase that no trial named are refused and of tensors any phase") {
  const Session session;
  RecordedSweep sweep(networks("repeats: 2, order: shuffled"));
  run_all(sweep, adam_mib);
  const auto refused = [&](const std::string& arguments) {
    const CommandResult result = session.run(sweep.asked_by("memtrack effects " + arguments));
    CHECK(result.exit_code == 2);
    CHECK(result.output.empty());
    return result.errors;
  };
  CHECK(contains(refused("--phase trian --json"), "did you mean 'train'?"));
  CHECK(contains(refused("--metric tensor --phase train"), "--phase does not go with --metric tensor"));
  CHECK(contains(refused("--metric reported --phase train"), "--phase does not go with --metric reported"));
  const std::string answer = session.output_of(sweep.asked_by("memtrack effects --json --permutations 99"));
  CHECK(nlohmann::json::parse(answer)["phase"] == "train");
}

TEST_CASE("a parameter of another program is a term where it varies, a word as a factor") {
  RecordedSweep sweep(
      "name: other\nmethod: grid\nprogram: train.py\nparameters:\n  tokens: {values: [1, 2, 3]}\n"
      "  precision: {values: [half, full]}\n  note: {value: x}\nmemtrack: {interval: 100ms, repeats: 2, order: "
      "shuffled}\n");
  for (int i = 0; i < 12; ++i) sweep.record({.used_mib = {1000}, .tree_rss_mib = 100 + i % 3});
  const EffectsAnswer answer = ask(sweep);
  CHECK(effect(answer, "tokens").contrasts.size() == 1);
  CHECK(effect(answer, "precision").contrasts.at(0).level == "\"half\" against \"full\"");
  CHECK(answer.effects.effects.size() == 3);
}

TEST_CASE("a list that is as long as the hidden layers are many is an effect of its own") {
  RecordedSweep sweep(
      "name: kernels\nmethod: grid\nprogram: train.py\nparameters:\n  hidden_layers: {value: [64, 32]}\n"
      "  kernel: {values: [[3, 5], [5, 7], [7, 9]]}\nmemtrack: {interval: 100ms, repeats: 2, order: shuffled}\n");
  for (int i = 0; i < 6; ++i) sweep.record({.used_mib = {1000}, .tree_rss_mib = 100 + i % 4});
  CHECK(effect(ask(sweep), "kernel").contrasts.size() == 2);
}

TEST_CASE("sweeps that cannot answer are told in a sentence") {
  SUBCASE("nothing ran") {
    RecordedSweep sweep(networks("repeats: 1"));
    CHECK(message_of([&] {
            ask(sweep);
          }).starts_with("no trial of this sweep is done (8 failed, ended early or still to run)"));
  }
  SUBCASE("all failed") {
    RecordedSweep sweep(list_sweep());
    for (int i = 0; i < 3; ++i) sweep.record({.used_mib = {1000}, .state = TrialState::failed});
    CHECK(message_of([&] { ask(sweep); }).starts_with("no trial of this sweep is done (3 failed"));
  }
  SUBCASE("a metric that was never measured") {
    RecordedSweep sweep(list_sweep());
    for (int i = 0; i < 3; ++i) sweep.record({.used_mib = {1000}});
    CHECK(message_of([&] {
            ask(sweep, "pss");
          }).starts_with("none of the 3 trials that are done has a reading of proportional memory"));
    CHECK(message_of([&] { ask(sweep, "rss"); }) ==
          "--metric is 'rss', and would have to be one of anon, pss, tensor, used, reported; did you mean 'pss'?");
  }
  SUBCASE("one trial") {
    RecordedSweep sweep(list_sweep());
    sweep.record({.used_mib = {1000}});
    CHECK(message_of([&] { ask(sweep); }) == "1 trial tells no effect: at least 3 are needed");
  }
}

TEST_CASE("no figure of the table is NaN and each interval holds its effect") {
  RecordedSweep sweep(networks("repeats: 2, order: shuffled", "sgd"));
  run_all(sweep, [](const NextTrial& trial) { return 50 + trial.parameters * 8 / (1024 * 1024); });
  const EffectsAnswer answer = ask(sweep);
  for (const Effect& effect : answer.effects.effects) {
    for (const Contrast& contrast : effect.contrasts) {
      CHECK(contrast.over_range_interval.low <= contrast.over_range);
      CHECK(contrast.over_range <= contrast.over_range_interval.high);
      CHECK(contrast.smallest_visible >= 0);
    }
  }
  CHECK(render_text(effects_table(answer.effects), 80).find("nan") == std::string::npos);
  CHECK(violated_controls(answer.effects).empty());  // sgd: 8 bytes a parameter
}
