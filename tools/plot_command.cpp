// memtrack plot: memory over time, against hyperparameters, and what tensors hold of it, as pictures.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/plot/hyperparameter_picture.h"
#include "tools/plot/picture_output.h"
#include "tools/plot/tensor_picture.h"
#include "tools/plot/time_picture.h"
#include "tools/report/phase.h"
#include "tools/report/trial_choice.h"
#include "tools/text.h"

namespace memtrack {
namespace {

constexpr std::size_t kColumns = 600;  // of a picture: finer is not seen

struct TimeOptions {
  std::string database, trials, metric = "tree_rss";
  PictureOutput output;
};

int plot_time(const TimeOptions& options) {
  const Figure figure{.metric = find_report_metric(options.metric), .statistic = Statistic::peak};
  check_picture_output(options.output);
  TrialChoice choice(options.trials, options.database);
  // Peaks that only samples know are found where the curve is read, of these trials alone.
  const Figure known{.metric = figure.metric.peak.empty() ? find_report_metric("tree_rss") : figure.metric,
                     .statistic = Statistic::peak};
  std::vector<ReportRow> rows = choice.read(known);
  std::erase_if(rows, [](const ReportRow& row) { return !row.started_ns; });
  if (rows.size() > kMostCurves) {
    throw UsageError(
        fmt::format("{} has {} trials, and a picture holds {} curves; trial:ID,ID or SWEEP:batch_size=8 names "
                    "some of them",
                    choice.title(), rows.size(), kMostCurves));
  }
  std::vector<TrialCurve> curves;
  for (const ReportRow& row : rows) {
    TrialCurve curve = read_trial_curve(choice.database(), row, figure.metric, kColumns);
    if (!curve.points.empty()) curves.push_back(std::move(curve));
  }
  if (curves.empty()) {
    throw UsageError(fmt::format("{}: no sample of it holds {}; 'memtrack report' says what ran", choice.title(),
                                 figure.metric.column));
  }
  put_picture(time_picture(curves, figure, fmt::format("{}: memory over time", choice.title())), options.output);
  return kRight;
}

struct HyperparameterOptions {
  std::string database, metric = "tree_rss_anon", statistic = "mean", phase;
  std::vector<std::string> sweeps;
  bool whole_trial = false;
  HyperparameterQuestion question;
  PictureOutput output;
};

int plot_hyperparameters(const HyperparameterOptions& options) {
  Figure figure{.metric = find_report_metric(options.metric), .statistic = parse_statistic(options.statistic)};
  check_picture_output(options.output);
  std::vector<TrialChoice> choices;
  std::vector<std::vector<std::string>> phases;
  std::string title;
  for (const std::string& sweep : options.sweeps.empty() ? std::vector<std::string>{""} : options.sweeps) {
    choices.emplace_back(sweep, options.database);
    title += (title.empty() ? "" : ", ") + choices.back().title();
    choices.back().add_phases(phases);
  }
  if (!options.whole_trial) figure.phase = choose_phase(options.phase, phases);
  std::vector<std::vector<ReportRow>> sets;
  for (TrialChoice& choice : choices) sets.push_back(choice.read(figure));
  put_picture(hyperparameter_picture(sets, figure, options.question, title), options.output);
  return kRight;
}

struct TensorOptions {
  std::string database, trials, phase, against;
  PictureOutput output;
};

int plot_tensors(const TensorOptions& options) {
  check_picture_output(options.output);
  TrialChoice choice(options.trials, options.database);
  std::vector<ReportRow> rows = choice.read({.metric = find_report_metric("tree_rss")});
  if (rows.size() == 1 && options.phase.empty() && options.against.empty()) {
    put_picture(tensors_over_time(choice.database(), rows[0], fmt::format("{}: tensors over time", choice.title())),
                options.output);
    return kRight;
  }
  std::erase_if(rows, [](const ReportRow& row) { return row.state != TrialState::done; });
  put_picture(tensors_of_trials(choice.database(), rows, options.phase, options.against,
                                fmt::format("{}: where the tensors go", choice.title())),
              options.output);
  return kRight;
}

constexpr const char* kWhichTrials =
    "A sweep's id or name (default: the latest), SWEEP:batch_size=8 for some of its trials, trial:ID,ID, or another "
    "database";

void add_time(CLI::App& plot, Action& action) {
  const auto options = std::make_shared<TimeOptions>();
  CLI::App* command = plot.add_subcommand("time", "Memory over time: phases shaded, epochs and peaks marked");
  command->add_option("TRIALS", options->trials, kWhichTrials)->type_name("");
  command->add_option("--metric", options->metric, "The memory to show, as in 'memtrack report'")
      ->capture_default_str();
  add_picture_options(*command, options->output);
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack plot time trial:12\n"
               "memtrack plot time quickstart:batch_size=32 -o quickstart.svg\n"
               "memtrack plot time trial:12,15 --metric used -o two.pdf");
  command->callback([options, &action] { action = [options] { return plot_time(*options); }; });
}

void add_hyperparameters(CLI::App& plot, Action& action) {
  const auto options = std::make_shared<HyperparameterOptions>();
  CLI::App* command = plot.add_subcommand(
      "panels", "The paper's figures: memory against learning rate, epochs, number of layers, batch size");
  command->add_option("SWEEPS", options->sweeps, kWhichTrials)->type_name("");
  command->add_option("--metric", options->metric, "The memory to show, as in 'memtrack report'")
      ->capture_default_str();
  command->add_option("--statistic", options->statistic, "Of a trial's readings: mean, median, p95 or peak")
      ->capture_default_str();
  command
      ->add_option("--phase", options->phase, "Of this phase (default: train, where all name it, else the whole trial)")
      ->type_name("NAME");
  command->add_flag("--whole-trial", options->whole_trial, "Of the whole trial, the paper's form")->excludes("--phase");
  command
      ->add_option("--against", options->question.against,
                   "A panel each: learning_rate, hidden_nodes, parameter_count, any hyperparameter (default: the "
                   "paper's four, where they vary)")
      ->delimiter(',')
      ->type_name("NAME,...");
  command->add_option("--by", options->question.by, "What colours tell apart (default: the data set)")
      ->type_name("NAME");
  command->add_flag("--each", options->question.each,
                    "A point a trial; without it, repeats are one point: mean and 95%");
  command->add_flag("--reported", options->question.with_reported,
                    "Published figures (reported_memory_mib of the sweep file) beside ours");
  command->add_flag("--memory-right", options->question.is_turned, "Memory on the axis to the right, as in the paper");
  add_picture_options(*command, options->output);
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack plot panels paper-mnist --metric used_psutil --whole-trial -o figure1.pdf\n"
               "memtrack plot panels paper-all -o across.svg\n"
               "memtrack plot panels --against hidden_nodes,parameter_count,optimizer");
  command->callback([options, &action] { action = [options] { return plot_hyperparameters(*options); }; });
}

void add_tensors(CLI::App& plot, Action& action) {
  const auto options = std::make_shared<TensorOptions>();
  CLI::App* command =
      plot.add_subcommand("tensors", "Where the tensors go: stacked by kind, over time or trial by trial");
  command->add_option("TRIALS", options->trials, kWhichTrials)->type_name("");
  command
      ->add_option("--phase", options->phase,
                   "Of several trials: what is held in this phase (default: the one in which most is)")
      ->type_name("NAME");
  command
      ->add_option("--against", options->against,
                   "Of several trials: in the order of this hyperparameter (default: their number)")
      ->type_name("NAME");
  add_picture_options(*command, options->output);
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack plot tensors trial:12 -o tensors.svg\n"
               "memtrack plot tensors paper-mnist --against parameter_count -o tensors.pdf");
  command->callback([options, &action] { action = [options] { return plot_tensors(*options); }; });
}

}  // namespace

void add_plot_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("plot", "Pictures: memory over time, against hyperparameters, by tensors");
  command->require_subcommand(1);
  add_time(*command, action);
  add_hyperparameters(*command, action);
  add_tensors(*command, action);
  add_examples(*command,
               "memtrack plot time trial:12            on the terminal, as text\n"
               "memtrack plot panels paper-mnist -o figure1.pdf\n"
               "memtrack plot tensors trial:12 -o tensors.svg");
}

}  // namespace memtrack
