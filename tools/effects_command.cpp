// memtrack effects: which hyperparameters move memory, by how much, and how surely.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands.h"
#include "tools/effects/effects_text.h"
#include "tools/effects/trials.h"
#include "tools/exit_codes.h"
#include "tools/plot/effects_picture.h"
#include "tools/plot/picture_output.h"
#include "tools/report/phase.h"
#include "tools/report/rows.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

struct EffectsOptions {
  std::string database;
  std::string sweep;
  std::string metric = "anon";
  std::string phase;
  std::vector<std::string> terms;
  int permutations = 2000;
  std::uint64_t seed = 0;
  bool json = false;
  std::string plot;
  bool force = false;
};

std::optional<std::string> asked_phase(const EffectsOptions& options, const EffectMetric& metric, Database& database,
                                       std::int64_t sweep_id) {
  if (!metric.phase_sql.empty()) return choose_phase(options.phase, {report_phases(database, sweep_id)});
  if (options.phase.empty()) return std::nullopt;
  throw UsageError(fmt::format("--phase does not go with --metric {}, which is of whole trials", metric.name));
}

EffectsAnswer answer_for(const EffectsOptions& options) {
  const EffectMetric& metric = find_effect_metric(options.metric);
  Database database = open_for_reading(options.database);
  const ReportSweep sweep = find_report_sweep(database, options.sweep);
  const std::optional<std::string> phase = asked_phase(options, metric, database, sweep.sweep_id);
  const MeasuredSweep measured = read_measured_sweep(database, sweep.sweep_id, metric, phase);
  Question question = effect_question(measured, metric, options.terms);
  return {.sweep = escape_controls(sweep.name),
          .metric = std::string(metric.title),
          .meaning = std::string(metric.meaning),
          .phase = phase.value_or(""),
          .effects = estimate_effects(question.experiment, options.permutations, options.seed),
          .left_out = std::move(question.left_out)};
}

void print_for_people(const EffectsAnswer& answer) {
  for (const std::string& text : effects_head(answer)) print_wrapped(text);
  print("\n" + render_text(effects_table(answer.effects), output_width()) + "\n");
  for (const std::string& text : effects_notes(answer)) print_wrapped(text);
}

int run_effects(const EffectsOptions& options) {
  const PictureOutput picture{.file = options.plot, .force = options.force};
  check_picture_output(picture);
  try {
    const EffectsAnswer answer = answer_for(options);
    if (!picture.file.empty()) put_picture(effects_picture(answer), picture);
    options.json ? print(effects_json(answer)) : print_for_people(answer);
    return kRight;
  } catch (const NoEffects& error) {
    say(error.what());
    return kFailed;
  }
}

}  // namespace

void add_effects_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<EffectsOptions>();
  CLI::App* command = app.add_subcommand("effects", "Which hyperparameters move memory, by how much, and how surely");
  command->add_option("SWEEP", options->sweep, "Id or name of a sweep (default: the latest)")->type_name("");
  command
      ->add_option("--metric", options->metric,
                   "anon, pss, tensor, used, or reported (the published figures that stand in the sweep file)")
      ->capture_default_str();
  command
      ->add_option(
          "--phase", options->phase,
          "The phase whose averages are taken (default: train, where the trials name it, else the whole trial)")
      ->type_name("NAME");
  command->add_option("--terms", options->terms, "Ask for these effects alone, by the names of the table")
      ->delimiter(',')
      ->type_name("NAME,...");
  command->add_option("--permutations", options->permutations, "How often trials change places for a p-value")
      ->check(CLI::Range(99, 1'000'000))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Of the permutations")->capture_default_str();
  command->add_flag("--json", options->json, "Full precision, for programs");
  command->add_option("--plot", options->plot, "Also a picture: effects with their intervals, as .svg, .png or .pdf")
      ->type_name("FILE");
  command->add_flag("--force", options->force, "Replace the picture where it is there already");
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack effects paper-all\n"
               "memtrack effects paper-all --metric used\n"
               "memtrack effects paper-all --plot effects.pdf\n"
               "memtrack effects --terms \"parameters,batch size\" --json");
  command->callback([options, &action] { action = [options] { return run_effects(*options); }; });
}

}  // namespace memtrack
