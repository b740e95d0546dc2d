// memtrack predict: what trials will need, before they run.

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "storage/paths.h"
#include "storage/trial_store.h"
#include "sweeps/sweep.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/predict/past_trials.h"
#include "tools/predict/prediction.h"
#include "tools/report/rows.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

struct PredictOptions {
  std::string database;
  std::string what;
  std::vector<std::string> set;
  std::string fit;
  std::string solve;
  std::string limit;
  bool uncalibrated = false;
  bool json = false;
};

std::optional<Database> existing_database(const PredictOptions& options) {
  if (!options.database.empty() || std::filesystem::exists(database_path("")))
    return open_for_reading(options.database);
  return std::nullopt;  // nothing was measured yet
}

Overrides overrides_of(const PredictOptions& options) {
  Overrides overrides;
  for (const std::string& entry : options.set) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError(fmt::format("--set {} is no name=value; an example: --set epochs=1", entry));
    }
    overrides.set.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return overrides;
}

std::vector<PastTrial> trials_of_file(const PredictOptions& options) {
  std::ifstream stream(options.what, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  std::vector<PastTrial> trials;
  for (const Sweep& sweep : parse_sweep_file(text, options.what, overrides_of(options))) {
    for_each_trial(sweep, {.environment = {}, .trainer = "memtrack-trainer"}, [&](const TrialPlan& plan) {
      if (plan.repeat != 1 || plan.is_warmup) return;
      trials.push_back(
          {.number = plan.number, .parameters = plan.parameters_json, .is_built_in = sweep.built_in_trainer});
    });
  }
  return trials;
}

std::vector<PastTrial> trials_asked_for(const PredictOptions& options, std::optional<Database>& database) {
  if (std::filesystem::is_regular_file(options.what)) return trials_of_file(options);
  if (!database) {
    throw UsageError(fmt::format("there is no sweep file {}, and no database to look for a sweep of that name",
                                 options.what.empty() ? "named" : options.what));
  }
  return past_trials_of(*database, find_report_sweep(*database, options.what).sweep_id);
}

std::vector<PredictedTrial> predict_all(const std::vector<PastTrial>& trials, const Calibration& calibration) {
  std::vector<PredictedTrial> predicted;
  for (const PastTrial& trial : trials) {
    if (!trial.is_built_in) {
      throw UsageError(
          fmt::format("trial {} runs another program than memtrack-trainer: its network is not known; 'memtrack "
                      "effects' tells what moved its memory in trials that ran",
                      trial.number));
    }
    predicted.push_back(predict_trial(trial.number, trainer_options_of(trial.parameters), calibration));
    predicted.back().measured_mib = trial.peak_mib;
  }
  return predicted;
}

std::vector<PredictedTrial> solve_all(const std::vector<PredictedTrial>& trials, const Calibration& calibration,
                                      std::int64_t limit) {
  std::vector<PredictedTrial> solved;
  for (const PredictedTrial& trial : trials) {
    if (auto largest = largest_fitting_batch(trial.number, trial.options, calibration, limit)) {
      solved.push_back(std::move(*largest));
    } else {
      say(fmt::format("trial {}: not even a batch of one image fits {}", trial.number, format_size(limit)));
    }
  }
  return solved;
}

void print_answer(const std::vector<PredictedTrial>& trials, const Calibration& calibration, bool as_json) {
  if (as_json) return print(prediction_json(trials, calibration));
  if (trials.empty()) return;
  const std::size_t width = output_width();
  print(render_text(prediction_table(trials), width) + "\n");
  for (const std::string& note : prediction_notes(trials, calibration)) {
    for (const std::string& line : wrap_words(note, width == 0 ? 100 : width)) print(line + "\n");
  }
}

int run_predict(const PredictOptions& options) {
  if (options.solve.empty() != options.limit.empty())
    throw UsageError("--solve and --limit go together, as in --solve batch_size --limit 8GiB");
  const std::optional<std::int64_t> limit =
      options.limit.empty() ? std::nullopt : std::optional(parse_size(options.limit));
  const std::optional<std::int64_t> fit = options.fit.empty() ? std::nullopt : std::optional(parse_size(options.fit));
  std::optional<Database> database = existing_database(options);
  const Calibration calibration =
      options.uncalibrated ? Calibration::built_in() : calibration_of_this_machine(database_path(options.database));
  std::vector<PredictedTrial> trials = predict_all(trials_asked_for(options, database), calibration);
  if (limit) {
    const std::size_t asked = trials.size();
    trials = solve_all(trials, calibration, *limit);
    print_answer(trials, calibration, options.json);
    return trials.size() == asked ? kRight : kFailed;
  }
  if (fit) {
    const auto all = static_cast<std::int64_t>(trials.size());
    std::erase_if(trials, [&](const PredictedTrial& trial) { return fits(trial, *fit); });
    if (!options.json) {
      print(fmt::format("{} of {} may not fit {}{}\n", trials.size(), count_of(all, "trial"), format_size(*fit),
                        trials.empty() ? "." : ":"));
    }
    print_answer(trials, calibration, options.json);
    return trials.empty() ? kRight : kFailed;
  }
  print_answer(trials, calibration, options.json);
  return kRight;
}

}  // namespace

void add_predict_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<PredictOptions>();
  CLI::App* command = app.add_subcommand("predict", "How much memory trials will take, before they run");
  command->add_option("FILE|SWEEP", options->what, "A sweep file, or id or name of a sweep (default: the latest)")
      ->type_name("");
  command->add_option("--set", options->set, "Fix a parameter for all trials of a file; may be given again")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_option("--fit", options->fit, "Show the trials alone that may not fit; exit code 1 where there are some")
      ->type_name("SIZE");
  command->add_option("--solve", options->solve, "batch_size: the largest that fits --limit, for each trial")
      ->check(CLI::IsMember({"batch_size"}))
      ->type_name("NAME");
  command->add_option("--limit", options->limit, "For --solve")->type_name("SIZE");
  command->add_flag("--uncalibrated", options->uncalibrated, "Leave out what this machine has measured");
  command->add_flag("--json", options->json, "For programs");
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack predict sweep.yaml\n"
               "memtrack predict sweep.yaml --fit 8GiB\n"
               "memtrack predict sweep.yaml --set 'hidden_layers=[4096, 4096]' --solve batch_size --limit 2GiB\n"
               "memtrack predict paper-all");
  command->callback([options, &action] { action = [options] { return run_predict(*options); }; });
}

}  // namespace memtrack
