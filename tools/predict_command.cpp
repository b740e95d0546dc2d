// memtrack predict: what trials will need, before they run.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>

#include "storage/paths.h"
#include "sweeps/first_trials.h"
#include "sweeps/sweep.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/predict/past_trials.h"
#include "tools/predict/prediction.h"
#include "tools/predict/program_history.h"
#include "tools/predict/program_prediction.h"
#include "tools/report/rows.h"
#include "tools/sweep_file.h"
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

// What is asked: trials, by their parameters, of the built-in trainer or of one other program.
struct Asked {
  std::vector<PastTrial> trials;
  ProgramIdentity program;  // no words: the built-in trainer
};

Asked asked_of_file(const PredictOptions& options) {
  Asked asked;
  bool is_first = true;
  const Overrides overrides{.set = parse_set_options(options.set)};
  for (const Sweep& sweep : parse_sweep_file(read_sweep_file(options.what), options.what, overrides)) {
    if (!is_first && sweep.program_words != asked.program.words) {
      throw UsageError(fmt::format("{} holds sweeps of different programs: ask for one of them", options.what));
    }
    is_first = false;
    asked.program = {sweep.program_words, std::filesystem::current_path().string()};
    const std::int64_t most = sweep.is_open_ended && options.fit.empty() ? kShownWhenOpen : kMostPredicted;
    const ExpansionContext context{.environment = {}, .trainer = "memtrack-trainer"};
    const bool are_all = for_each_first_trial(sweep, context, most, [&](const TrialPlan& plan) {
      asked.trials.push_back(
          {.number = plan.number, .parameters = plan.parameters_json, .is_built_in = sweep.built_in_trainer});
    });
    if (!are_all)
      say(fmt::format("of sweep '{}' the first {} trials are predicted", escape_controls(sweep.name), most));
  }
  return asked;
}

Asked asked_of(const PredictOptions& options, std::optional<Database>& database) {
  if (std::filesystem::is_regular_file(options.what)) return asked_of_file(options);
  if (!database) {
    throw UsageError(fmt::format("there is no sweep file {}, and no database to look for a sweep of that name",
                                 options.what.empty() ? "named" : options.what));
  }
  if (!options.set.empty()) {
    throw UsageError("--set goes with a sweep file: what a sweep of the database was given stands");
  }
  const std::int64_t sweep_id = find_report_sweep(*database, options.what).sweep_id;
  return {past_trials_of(*database, sweep_id), program_of_sweep(*database, sweep_id)};
}

std::vector<PredictedTrial> predict_all(const std::vector<PastTrial>& trials, const Calibration& calibration) {
  std::vector<PredictedTrial> predicted;
  for (const PastTrial& trial : trials) {
    if (!trial.is_built_in) throw UsageError("a trial of 'memtrack run' has no sweep file to tell its program by");
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

void print_answer(const TextTable& table, const std::vector<std::string>& notes) {
  if (table.rows.empty()) return;
  print(render_text(table, output_width()) + "\n");
  for (const std::string& note : notes) print_wrapped(note);
}

// Of those that may not fit, where a size is asked for: exit code 1 where there are some.
template <typename Trial>
int answer(std::vector<Trial> trials, const PredictOptions& options,
           const std::function<void(const std::vector<Trial>&)>& print_trials) {
  if (options.fit.empty()) {
    print_trials(trials);
    return kRight;
  }
  const std::int64_t limit = parse_size(options.fit);
  const auto all = static_cast<std::int64_t>(trials.size());
  std::erase_if(trials, [&](const Trial& trial) { return fits(trial, limit); });
  if (!options.json) {
    print(fmt::format("{} of {} may not fit {}{}\n", trials.size(), count_of(all, "trial"), format_size(limit),
                      trials.empty() ? "." : ":"));
  }
  print_trials(trials);
  return trials.empty() ? kRight : kFailed;
}

int predict_trainings(const std::vector<PastTrial>& asked, const PredictOptions& options) {
  const Calibration calibration =
      options.uncalibrated ? Calibration::built_in() : calibration_of_this_machine(database_path(options.database));
  const std::function<void(const std::vector<PredictedTrial>&)> print_trials = [&](const auto& trials) {
    if (options.json) return print(prediction_json(trials, calibration));
    print_answer(prediction_table(trials), prediction_notes(trials, calibration));
  };
  const std::vector<PredictedTrial> trials = predict_all(asked, calibration);
  if (options.limit.empty()) return answer(trials, options, print_trials);
  const std::vector<PredictedTrial> solved = solve_all(trials, calibration, parse_size(options.limit));
  print_trials(solved);
  return solved.size() == trials.size() ? kRight : kFailed;
}

// Names that all trials have: a program's trials may leave out parameters at their defaults.
std::vector<std::string> names_of(const std::vector<PredictedRun>& runs) {
  std::vector<std::string> names;
  for (const auto& [name, value] : runs.front().parameters) {
    if (std::all_of(runs.begin(), runs.end(), [&](const auto& run) { return run.parameters.contains(name); }))
      names.push_back(name);
  }
  return names;
}

int predict_program(const Asked& asked, const PredictOptions& options, std::optional<Database>& database) {
  if (!options.limit.empty() || options.uncalibrated) {
    throw UsageError(
        "--solve and --uncalibrated are for memtrack-trainer: another program is known by its trials alone");
  }
  std::vector<PredictedRun> runs;
  for (const PastTrial& trial : asked.trials) {
    runs.push_back(
        {.number = trial.number, .parameters = parameter_values(trial.parameters), .measured_mib = trial.peak_mib});
  }
  const std::vector<std::string> names = names_of(runs);
  const std::vector<PastRun> past = database ? past_runs_of(*database, asked.program, names) : std::vector<PastRun>();
  try {
    const Regression regression(past);
    for (PredictedRun& run : runs) {
      const std::optional<double> measured = run.measured_mib;
      std::erase_if(run.parameters, [&](const auto& entry) {
        return std::find(names.begin(), names.end(), entry.first) == names.end();
      });
      run = predict_run(run.number, run.parameters, regression);
      run.measured_mib = measured;
    }
    return answer<PredictedRun>(std::move(runs), options, [&](const std::vector<PredictedRun>& shown) {
      if (options.json) return print(run_prediction_json(shown, regression));
      print_answer(run_prediction_table(shown), run_prediction_notes(shown, regression));
    });
  } catch (const NotEnoughTrials& missing) {
    say(fmt::format("not enough trials to predict by: {}. Run a few of the sweep: memtrack sweep FILE --count {}",
                    missing.what(), Regression::kFewestConfigurations));
    return kFailed;
  }
}

int run_predict(const PredictOptions& options) {
  if (options.solve.empty() != options.limit.empty())
    throw UsageError("--solve and --limit go together, as in --solve batch_size --limit 8GiB");
  std::optional<Database> database = existing_database(options);
  const Asked asked = asked_of(options, database);
  if (asked.trials.empty()) throw UsageError("this sweep has no trials to predict");
  return asked.program.words.empty() ? predict_trainings(asked.trials, options)
                                     : predict_program(asked, options, database);
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
      ->excludes("--fit")
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
