// What a sweep file expands to.

#include "sweeps/sweep.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sweeps/first_trials.h"
#include "sweeps/trainer_parameters.h"

namespace {

using namespace memtrack;

const ExpansionContext kContext{.environment = {}, .trainer = "/x/memtrack-trainer"};

Sweep one(const std::string& text, const Overrides& overrides = {}) {
  std::vector<Sweep> sweeps = parse_sweep_file(text, "f.yaml", overrides);
  REQUIRE(sweeps.size() == 1);
  return sweeps.front();
}

std::vector<TrialPlan> trials(const Sweep& sweep) {
  std::vector<TrialPlan> result;
  for_each_trial(sweep, kContext, [&](const TrialPlan& trial) { result.push_back(trial); });
  CHECK(static_cast<std::int64_t>(result.size()) == sweep.trial_count);
  return result;
}

// The parameters that the file gives: without the seed that a trial of the built-in trainer gets behind them.
std::string given(const TrialPlan& trial) {
  const std::string& json = trial.parameters_json;
  const std::size_t seed = json.rfind(",\"seed\":");
  return seed == std::string::npos ? json : json.substr(0, seed) + "}";
}

std::vector<std::string> parameters(const Sweep& sweep) {
  std::vector<std::string> result;
  for (const TrialPlan& trial : trials(sweep)) {
    result.push_back(given(trial));
  }
  return result;
}

const std::string kGrid =
    "method: grid\n"
    "parameters:\n"
    "  learning_rate: {values: [0.001, 0.01]}\n"
    "  epochs: {value: 2}\n"
    "  batch_size: {values: [32, 128]}\n";

}  // namespace

TEST_CASE("a grid is all combinations in the file's order, the last parameter changing first") {
  CHECK(parameters(one(kGrid + "memtrack: {order: listed}\n")) ==
        std::vector<std::string>{R"({"learning_rate":0.001,"epochs":2,"batch_size":32})",
                                 R"({"learning_rate":0.001,"epochs":2,"batch_size":128})",
                                 R"({"learning_rate":0.01,"epochs":2,"batch_size":32})",
                                 R"({"learning_rate":0.01,"epochs":2,"batch_size":128})"});
}

TEST_CASE("settings have their defaults where the file says nothing") {
  const Sweep sweep = one(kGrid);
  CHECK(sweep.name == "f");
  CHECK(sweep.method == "grid");
  CHECK(sweep.effective_method == "grid");
  CHECK(sweep.config == kGrid);
  CHECK(sweep.built_in_trainer);
  CHECK(sweep.warnings.empty());
  CHECK(sweep.settings.interval == std::chrono::seconds(5));
  CHECK_FALSE(sweep.settings.timeout.has_value());
  CHECK(sweep.settings.repeats == 1);
  CHECK(sweep.settings.order == TrialOrder::shuffled);
  CHECK(sweep.settings.seed == 0);
  CHECK(sweep.settings.jobs == 1);
  CHECK(sweep.settings.retries == 0);
  CHECK(sweep.settings.priority == 0);
  CHECK(one("method: list\ntrials: [{epochs: 1}]\n").settings.order == TrialOrder::listed);
  CHECK(one("method: random\nrun_cap: 1\nparameters: {epochs: {value: 1}}\n").settings.order == TrialOrder::shuffled);
}

TEST_CASE("the block memtrack is read") {
  const Sweep sweep = one(kGrid +
                          "memtrack: {interval: 100ms, timeout: 2h, memory_limit: 8GiB, repeats: 3, order: listed, "
                          "seed: 7, jobs: 4, settle: 0s, "
                          "baseline: 0s, warmup: 0, retries: 2, priority: -5}\n");
  CHECK(sweep.settings.interval == std::chrono::milliseconds(100));
  CHECK(sweep.settings.timeout == std::chrono::hours(2));
  CHECK(sweep.settings.memory_limit_bytes == 8'589'934'592);
  CHECK(sweep.settings.repeats == 3);
  CHECK(sweep.settings.order == TrialOrder::listed);
  CHECK(sweep.settings.seed == 7);
  CHECK(sweep.settings.jobs == 4);
  CHECK(sweep.settings.retries == 2);
  CHECK(sweep.settings.priority == -5);
  CHECK(sweep.trial_count == 12);
}

TEST_CASE("settle and baseline are times, and warm-ups are the first trials once more, before all others") {
  const std::string text = "method: grid\nparameters: {epochs: {min: 1, max: 3}}\n";
  const Sweep sweep = one(text + "memtrack: {settle: 5s, baseline: 100ms, warmup: 4, repeats: 2}\n");
  CHECK(sweep.settings.settle == std::chrono::seconds(5));
  CHECK(sweep.settings.baseline == std::chrono::milliseconds(100));
  CHECK(sweep.trial_count == 10);
  const std::vector<TrialPlan> plans = trials(sweep);
  REQUIRE(plans.size() == 10);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    CHECK(plans[i].is_warmup == (i < 4));
  }
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(plans[i].number == plans[4 + i % 3].number);
    CHECK(plans[i].command == plans[4 + i % 3].command);
  }
}

TEST_CASE("each block of repeats is a permutation of its own, and all trials are in it once") {
  const std::string text = "method: grid\nparameters: {epochs: {min: 1, max: 50}}\nmemtrack: {repeats: 3}\n";
  std::vector<std::vector<std::int64_t>> blocks(3);
  std::int64_t last_repeat = 1;
  for (const TrialPlan& trial : trials(one(text))) {
    CHECK(trial.repeat >= last_repeat);
    last_repeat = trial.repeat;
    blocks.at(static_cast<std::size_t>(trial.repeat - 1)).push_back(trial.number);
    CHECK(given(trial) == "{\"epochs\":" + std::to_string(trial.number) + "}");
  }
  CHECK(blocks[0] != blocks[1]);
  CHECK(blocks[1] != blocks[2]);
  for (std::vector<std::int64_t>& block : blocks) {
    CHECK_FALSE(std::is_sorted(block.begin(), block.end()));
    CHECK(std::set<std::int64_t>(block.begin(), block.end()).size() == 50);
  }
}

TEST_CASE("the order depends on the seed alone") {
  const std::string text = "method: grid\nparameters: {epochs: {min: 1, max: 50}}\n";
  CHECK(parameters(one(text)) == parameters(one(text)));
  CHECK(parameters(one(text)) != parameters(one(text, {.seed = 1})));
}

TEST_CASE("what random draws depends on the seed alone, and a repeat draws the same again") {
  const std::string text =
      "method: random\nrun_cap: 20\nparameters:\n  learning_rate: {min: 0.1, max: 0.2}\n  epochs: {min: 1, max: 99}\n";
  CHECK(parameters(one(text)) == parameters(one(text)));
  CHECK(parameters(one(text)) != parameters(one(text, {.seed = 1})));
  std::map<std::int64_t, std::set<std::string>> drawn;
  for (const TrialPlan& trial : trials(one(text, {.repeats = 4}))) {
    drawn[trial.number].insert(given(trial));
  }
  CHECK(drawn.size() == 20);
  for (const auto& [number, values] : drawn) {
    CHECK(values.size() == 1);
  }
}

TEST_CASE("a repeat of the built-in trainer has a seed of its own, which all trials of its block share") {
  const std::string text = "method: grid\nparameters: {epochs: {values: [1, 2]}}\n";
  std::map<std::string, std::set<std::int64_t>> repeats_of_seed;
  for (const std::uint64_t sweep_seed : {0, 1}) {
    for (const TrialPlan& trial : trials(one(text, {.repeats = 3, .seed = sweep_seed}))) {
      REQUIRE(trial.command.back().starts_with("--seed="));
      const std::string seed = trial.command.back().substr(7);
      CHECK(trial.parameters_json.ends_with(",\"seed\":" + seed + "}"));
      repeats_of_seed[seed].insert(static_cast<std::int64_t>(sweep_seed) * 10 + trial.repeat);
    }
  }
  CHECK(repeats_of_seed.size() == 6);
  for (const auto& [seed, repeats] : repeats_of_seed) {
    CHECK(repeats.size() == 1);
  }
  CHECK(repeats_of_seed.at("0") == std::set<std::int64_t>{1});
  for (const TrialPlan& trial : trials(one(text, {.repeats = 2, .seed = 9223372036854775807U}))) {
    TrainerOptions options;
    CHECK_NOTHROW(set_trainer_option(options, "seed", trial.command.back().substr(7)));
  }
}

TEST_CASE("a seed that the sweep fixes or varies is left as it is, and a program of the user's gets none") {
  const auto seeds = [](const std::string& text, const Overrides& overrides = {}) {
    std::set<std::string> found;
    for (const TrialPlan& trial : trials(one(text, overrides))) {
      const std::string last = trial.command.back();
      found.insert(last.starts_with("--seed=") ? last.substr(7) : "none");
    }
    return found;
  };
  const std::string repeated = "memtrack: {repeats: 2, seed: 3}\n";
  CHECK(seeds("method: grid\nparameters: {epochs: {value: 2}}\n" + repeated, {.set = {{"seed", "5"}}}) ==
        std::set<std::string>{"5"});
  CHECK(seeds("method: grid\nparameters: {seed: {values: [7, 8]}}\n" + repeated) == std::set<std::string>{"7", "8"});
  CHECK(seeds("method: list\ntrials: [{seed: 9}, {epochs: 2}]\n" + repeated) ==
        std::set<std::string>{"9", "3000000", "3000001"});
  CHECK(seeds("method: grid\nprogram: train.py\nparameters: {lr: {value: 1}}\n" + repeated) ==
        std::set<std::string>{"none"});
}

TEST_CASE("fixing one parameter or drawing more trials changes nothing in what the others draw") {
  const std::string text =
      "method: random\nrun_cap: 5\nparameters:\n  epochs: {min: 1, max: 99}\n  batch_size: {min: 1, max: 9999}\n";
  const std::string more = "run_cap: 9";
  std::map<std::int64_t, std::int64_t> free;
  for (const TrialPlan& trial : trials(one(text))) {
    free[trial.number] = trial.columns.batch_size.value_or(0);
  }
  std::string longer = text;
  longer.replace(longer.find("run_cap: 5"), 10, more);
  for (const TrialPlan& trial : trials(one(longer, {.set = {{"epochs", "1"}}}))) {
    CHECK(trial.columns.epochs == 1);
    if (trial.number <= 5) {
      CHECK(trial.columns.batch_size == free.at(trial.number));
    }
  }
}

TEST_CASE("run_cap and --count bound the trials before repeats, the smaller one wins") {
  const std::string text = "method: random\nrun_cap: 5\nparameters: {epochs: {min: 1, max: 9}}\n";
  CHECK(one(text).trial_count == 5);
  CHECK(one(text, {.count = 3}).trial_count == 3);
  CHECK(one(text, {.count = 30}).trial_count == 5);
  CHECK(one(text, {.repeats = 2, .count = 3}).trial_count == 6);
  CHECK(one("method: random\nparameters: {epochs: {min: 1, max: 9}}\n", {.count = 3}).trial_count == 3);
  CHECK(one("method: grid\nrun_cap: 4\nparameters: {epochs: {min: 1, max: 1000000000}}\n").trial_count == 4);
}

TEST_CASE("bayes is drawn as random and says so once") {
  const Sweep sweep = one("method: bayes\nrun_cap: 2\nparameters: {epochs: {min: 1, max: 9}}\n");
  CHECK(sweep.method == "bayes");
  CHECK(sweep.effective_method == "random");
  REQUIRE(sweep.warnings.size() == 1);
  CHECK(sweep.warnings[0].find("random") != std::string::npos);
  CHECK(parameters(sweep) == parameters(one("method: random\nrun_cap: 2\nparameters: {epochs: {min: 1, max: 9}}\n")));
}

TEST_CASE("each row of a list overrides the parameters") {
  const Sweep sweep =
      one("method: list\n"
          "parameters: {dataset: {value: mnist}, epochs: {value: 2}}\n"
          "trials:\n"
          "  - {learning_rate: 0.7886, epochs: 18, hidden_layers: [285, 389], reported_memory_mib: 2516.309735}\n"
          "  - {dataset: cifar-10}\n");
  const std::vector<TrialPlan> plans = trials(sweep);
  REQUIRE(plans.size() == 2);
  CHECK(given(plans[0]) == R"({"dataset":"mnist","epochs":18,"learning_rate":0.7886,"hidden_layers":[285,389]})");
  CHECK(plans[0].columns.reported_memory_mib == 2516.309735);
  CHECK(plans[0].command == std::vector<std::string>{"/x/memtrack-trainer", "--dataset=mnist", "--epochs=18",
                                                     "--learning_rate=0.7886", "--hidden_layers=[285, 389]",
                                                     "--seed=0"});
  CHECK(given(plans[1]) == R"({"dataset":"cifar-10","epochs":2})");
  CHECK_FALSE(plans[1].columns.reported_memory_mib.has_value());
}

TEST_CASE("--set fixes a parameter for all trials, those of a list and nested ones included") {
  CHECK(one(kGrid, {.set = {{"learning_rate", "0.5"}}}).trial_count == 2);
  CHECK(parameters(one("method: list\ntrials:\n  - {epochs: 5, batch_size: 1}\n  - {batch_size: 2}\n",
                       {.set = {{"epochs", "1"}}})) ==
        std::vector<std::string>{R"({"epochs":1,"batch_size":1})", R"({"epochs":1,"batch_size":2})"});
  const std::string nested =
      "method: grid\nprogram: t.py\nparameters:\n  opt: {parameters: {lr: {values: [1, 2]}, name: {value: adam}}}\n";
  CHECK(parameters(one(nested, {.set = {{"opt.lr", "3"}, {"new", "[a, 'b c']"}}})) ==
        std::vector<std::string>{R"({"opt":{"lr":3,"name":"adam"},"new":["a","b c"]})"});
  CHECK(parameters(one("method: list\nprogram: t.py\nparameters: {opt: {parameters: {lr: {value: 1}}}}\n"
                       "trials: [{opt: {lr: 2, m: 3}}, {a: 1}]\n",
                       {.set = {{"opt.lr", "9"}}})) ==
        std::vector<std::string>{R"({"opt":{"lr":9,"m":3}})", R"({"opt":{"lr":9},"a":1})"});
}

TEST_CASE("--set takes lists as 128,64 and as [128, 64]") {
  for (const char* text : {"128,64", "[128, 64]", "[128,64]"}) {
    const std::vector<TrialPlan> plans = trials(one(kGrid, {.set = {{"hidden_layers", text}}}));
    CHECK(plans.at(0).columns.hidden_layers == std::vector<std::int64_t>{128, 64});
    CHECK(plans.at(0).command.end()[-2] == "--hidden_layers=[128, 64]");
  }
}

TEST_CASE("the command line overrides the block and the method") {
  const Sweep sweep = one(kGrid, {.interval = "10ms",
                                  .timeout = "1m",
                                  .repeats = 2,
                                  .order = "listed",
                                  .seed = 9223372036854775807U,
                                  .jobs = 1,
                                  .method = "random",
                                  .count = 3});
  CHECK(sweep.settings.interval == std::chrono::milliseconds(10));
  CHECK(sweep.settings.timeout == std::chrono::minutes(1));
  CHECK(sweep.settings.order == TrialOrder::listed);
  CHECK(sweep.settings.seed == 9223372036854775807U);
  CHECK(sweep.method == "random");
  CHECK(sweep.trial_count == 6);
}

TEST_CASE("a random sweep without run_cap is open-ended and draws each trial as one with run_cap does") {
  const std::string text = "method: random\nparameters: {epochs: {min: 1, max: 1000000}}\n";
  const std::string settings = "memtrack: {seed: 3, warmup: 1, order: listed}\n";
  const Sweep open = one(text + settings);
  CHECK(open.is_open_ended);
  CHECK(open.trial_count == 0);
  const std::vector<TrialPlan> capped = trials(one(text + settings, {.count = 30}));
  std::vector<TrialPlan> drawn;
  const auto take = [&](const TrialPlan& trial) { drawn.push_back(trial); };
  for_each_drawn_trial(open, kContext, 1, 10, take);
  for_each_drawn_trial(open, kContext, 11, 20, take);
  REQUIRE(drawn.size() == 31);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    CHECK(drawn[i].number == capped[i].number);
    CHECK(drawn[i].repeat == 1);
    CHECK(drawn[i].is_warmup == (i == 0));
    CHECK(drawn[i].command == capped[i].command);
  }
  CHECK_FALSE(one(text + "run_cap: 5\n").is_open_ended);
  CHECK_FALSE(one(text, {.count = 5}).is_open_ended);
  CHECK_FALSE(one(kGrid).is_open_ended);
  CHECK(one(kGrid, {.method = "random"}).is_open_ended);
}

TEST_CASE("the first trials of a sweep are told by number, of an open-ended one too") {
  const auto numbers = [](const Sweep& sweep, std::int64_t most, bool are_all) {
    std::vector<std::int64_t> result;
    CHECK(for_each_first_trial(sweep, kContext, most, [&](const TrialPlan& trial) {
            CHECK_FALSE(trial.is_warmup);
            result.push_back(trial.number);
          }) == are_all);
    return result;
  };
  const std::string settings = "memtrack: {warmup: 1, order: shuffled}\n";
  const Sweep open = one("method: random\nparameters: {epochs: {min: 1, max: 1000000}}\n" + settings);
  const Sweep closed = one("method: grid\nparameters: {epochs: {values: [1, 2, 3]}}\n" + settings, {.repeats = 2});
  CHECK(trials(open).empty());
  CHECK(numbers(open, 2, false) == std::vector<std::int64_t>{1, 2});
  CHECK(numbers(closed, 2, false) == std::vector<std::int64_t>{1, 2});
  CHECK(numbers(closed, 3, true) == std::vector<std::int64_t>{1, 2, 3});
}

TEST_CASE("several documents are several sweeps, each with its own text") {
  const std::string first = "# about\n---\nname: first\n" + kGrid;
  const std::string second = "--- # next\nmethod: list\ntrials: [{epochs: 1}]\n";
  const std::string third = "---\nname: third\nmethod: list\ntrials: [{epochs: 3}]\n...\n";
  const std::vector<Sweep> sweeps =
      parse_sweep_file(first + second + third + "---\n# nothing more\n", "a/b.c.yaml", {});
  REQUIRE(sweeps.size() == 3);
  CHECK(sweeps[0].name == "first");
  CHECK(sweeps[1].name == "b.c-2");
  CHECK(sweeps[2].name == "third");
  CHECK(sweeps[0].config == first);
  CHECK(sweeps[1].config == second);
  CHECK(sweeps[2].config == third);
  for (const Sweep& sweep : sweeps) {
    CHECK(parse_sweep_file(sweep.config, "again.yaml", {}).size() == 1);
  }
}

TEST_CASE("known keys of W&B without effect are named in one warning, unknown keys in one each") {
  const Sweep sweep =
      one("project: p\nentity: e\nmetric: {name: loss}\nearly_terminate: {type: hyperband}\n"
          "description: d\nnotes: n\nmodel: m\n" +
          kGrid);
  CHECK(sweep.warnings == std::vector<std::string>{"f.yaml:6:1: the key 'notes' is not known",
                                                   "f.yaml:7:1: the key 'model' is not known",
                                                   "project, entity, metric, early_terminate have no effect here"});
}

TEST_CASE("trials of the built-in trainer have all typed columns, from its defaults where the file is silent") {
  const TrialPlan trial = trials(one("method: grid\nparameters: {epochs: {value: 3}}\n")).at(0);
  CHECK(given(trial) == R"({"epochs":3})");
  CHECK(trial.columns.dataset == "mnist");
  CHECK(trial.columns.learning_rate == 0.001);
  CHECK(trial.columns.epochs == 3);
  CHECK(trial.columns.batch_size == 64);
  CHECK(trial.columns.hidden_layers == std::vector<std::int64_t>{128, 64});
  CHECK(trial.columns.parameter_count == 109386);
}

TEST_CASE("weights and biases are counted with the convolutions of each trial") {
  const auto plans =
      trials(one("method: grid\n"
                 "parameters: {conv_layers: {values: [[], [[8, 3]]]}, hidden_layers: {value: [16]}}\n"
                 "memtrack: {order: listed}\n"));
  REQUIRE(plans.size() == 2);
  CHECK(plans[0].columns.parameter_count == 785 * 16 + 17 * 10);
  CHECK(plans[1].columns.parameter_count == 10 * 8 + (8 * 14 * 14 + 1) * 16 + 17 * 10);
  CHECK(plans[1].command.at(1) == "--conv_layers=[[8, 3]]");
}

TEST_CASE("typed columns of other programs are filled by name, by common alias, or as columns says") {
  const auto columns = [](const std::string& row, const std::string& block = "") {
    return trials(one("method: list\nprogram: t.py\ntrials: [" + row + "]\n" + block)).at(0).columns;
  };
  const TypedColumns usual = columns("{lr: 0.1, num_epochs: 3, bs: 8, hidden_sizes: [5, 6], data: mine}");
  CHECK(usual.learning_rate == 0.1);
  CHECK(usual.epochs == 3);
  CHECK(usual.batch_size == 8);
  CHECK(usual.hidden_layers == std::vector<std::int64_t>{5, 6});
  CHECK(usual.dataset == "mine");
  CHECK_FALSE(usual.parameter_count.has_value());

  CHECK(columns("{batch-size: 16}").batch_size == 16);
  CHECK(columns("{LR: 1}").learning_rate == 1.0);
  CHECK(columns("{lr: 0.1, learning_rate: 0.2}").learning_rate == 0.2);
  CHECK(columns("{opt: {lr: 0.3}}").learning_rate == 0.3);
  CHECK_FALSE(columns("{a: {lr: 0.3}, b: {lr: 0.4}}").learning_rate.has_value());
  CHECK(columns("{batch_size: 64.0}").batch_size == 64);
  CHECK_FALSE(columns("{batch_size: 64.5}").batch_size.has_value());
  CHECK_FALSE(columns("{batch_size: many, layers: 3, epochs: null}").batch_size.has_value());
  CHECK(columns("{layers: '[128, 64]'}").hidden_layers == std::vector<std::int64_t>{128, 64});
  CHECK(columns("{rate: 0.5, lr: 0.1}", "memtrack: {columns: {learning_rate: rate}}").learning_rate == 0.5);
  CHECK(columns("{opt: {step: 0.5}}", "memtrack: {columns: {learning_rate: opt.step}}").learning_rate == 0.5);
}

TEST_CASE("YAML's own means work: anchors, merge keys, block style, tags, CRLF, a byte order mark") {
  CHECK(parameters(one("\xEF\xBB\xBFmethod: grid\r\nx-defaults: &d {batch_size: {value: 8}, epochs: {value: 9}}\r\n"
                       "parameters:\r\n  <<: *d\r\n  epochs:\r\n    value: !!int \"3\"\r\n")) ==
        std::vector<std::string>{R"({"batch_size":8,"epochs":3})"});
}

TEST_CASE("scalars are typed as W&B reads them, but 1e-5 is a number") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"true", "true"},
      {"yes", "true"},
      {"Off", "false"},
      {"~", "null"},
      {"null", "null"},
      {"'yes'", "\"yes\""},
      {"\"1\"", "\"1\""},
      {"12", "12"},
      {"-3", "-3"},
      {"+4", "4"},
      {"1_000", "1000"},
      {"0x1F", "31"},
      {"0o17", "15"},
      {"017", "15"},
      {"0b101", "5"},
      {"089", "\"089\""},
      {"1.5", "1.5"},
      {".5", "0.5"},
      {"5.", "5.0"},
      {"1e-5", "1e-05"},
      {"1E3", "1000.0"},
      {"1.0e+3", "1000.0"},
      {".inf", "\"inf\""},
      {"-.Inf", "\"-inf\""},
      {".nan", "\"nan\""},
      {"1e", "\"1e\""},
      {"1.2.3", "\"1.2.3\""},
      {"12px", "\"12px\""},
      {"nan", "\"nan\""},
      {"2001-01-01", "\"2001-01-01\""},
      {"!!str 5", "\"5\""},
      {"-9223372036854775808", "-9223372036854775808"},
      {"[1, [a, {b: c}]]", R"([1,["a",{"b":"c"}]])"},
  };
  for (const auto& [yaml, json] : cases) {
    CAPTURE(yaml);
    CHECK(parameters(one("method: grid\nprogram: t.py\nparameters:\n  x:\n    value: " + yaml + "\n")).at(0) ==
          "{\"x\":" + json + "}");
  }
}

TEST_CASE("a column's parameter that the sweep does not have is said, where the column's own name fills it") {
  const std::vector<memtrack::Sweep> sweeps = memtrack::parse_sweep_file(
      "method: grid\nparameters: {learning_rate: {value: 0.5}}\nmemtrack: {columns: {learning_rate: lr}}\n", "f.yaml",
      {});
  REQUIRE(sweeps.size() == 1);
  REQUIRE(sweeps[0].warnings.size() == 1);
  CHECK(sweeps[0].warnings[0].find("'lr', which this sweep does not have") != std::string::npos);
  memtrack::for_each_trial(sweeps[0], {.environment = {}, .trainer = "t"},
                           [](const memtrack::TrialPlan& trial) { CHECK(trial.columns.learning_rate == 0.5); });
}
