// memtrack compare: two sets of trials, by how much they differ and how surely.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/report/comparison.h"
#include "tools/report/phase.h"
#include "tools/report/trial_choice.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

struct CompareOptions {
  std::string database;
  std::string other_database;  // of B; empty: the same
  std::string a, b;
  std::string metric = "tree_rss_anon";
  std::string statistic = "mean";
  std::string phase;  // empty: train, where both sides name it
  bool whole_trial = false;
  bool json = false;
};

int run_compare(const CompareOptions& options) {
  Figure figure{.metric = find_report_metric(options.metric), .statistic = parse_statistic(options.statistic)};
  TrialChoice side_a(options.a, options.database);
  TrialChoice side_b(options.b, options.other_database.empty() ? options.database : options.other_database);
  std::vector<std::vector<std::string>> phases;
  side_a.add_phases(phases);
  side_b.add_phases(phases);
  if (!options.whole_trial) figure.phase = choose_phase(options.phase, phases);
  const ComparedSide a{.title = side_a.title(), .rows = side_a.read(figure)};
  const ComparedSide b{.title = side_b.title(), .rows = side_b.read(figure)};
  const Comparison comparison = compare_sides(figure, a, b);
  if (options.json) {
    print(comparison_json(figure, a, b, comparison));
    return kRight;
  }
  for (const std::string& line : comparison_text(figure, a, b, comparison)) print_wrapped(line);
  return kRight;
}

}  // namespace

void add_compare_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<CompareOptions>();
  CLI::App* command =
      app.add_subcommand("compare", "Two sets of trials: by how much their memory differs, and how surely");
  command
      ->add_option("A", options->a,
                   "A sweep's id or name, SWEEP:batch_size=8 for some of its trials, trial:ID, or another database")
      ->required()
      ->type_name("");
  command->add_option("B", options->b, "What it is compared with, in the same words")->required()->type_name("");
  command->add_option("--metric", options->metric, "The memory to compare, as in 'memtrack report'")
      ->capture_default_str();
  command->add_option("--statistic", options->statistic, "Of a trial's readings: mean, median, p95 or peak")
      ->capture_default_str();
  command
      ->add_option("--phase", options->phase,
                   "Of this phase (default: train, where both sides name it, else the whole trial)")
      ->type_name("NAME");
  command->add_flag("--whole-trial", options->whole_trial, "Of the whole trial")->excludes("--phase");
  command->add_option("--other-db", options->other_database, "The database of B, where it is another")
      ->type_name("FILE");
  command->add_flag("--json", options->json, "Full precision, for programs");
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack compare paper-mnist:number=5 paper-mnist:number=6\n"
               "memtrack compare before after --metric used\n"
               "memtrack compare trial:12 trial:15\n"
               "memtrack compare old.db new.db");
  command->callback([options, &action] { action = [options] { return run_compare(*options); }; });
}

}  // namespace memtrack
