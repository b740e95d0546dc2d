// memtrack compare: two sets of trials, by how much they differ and how surely.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <sstream>

#include "sweeps/nearest_name.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/report/comparison.h"
#include "tools/report/selection.h"
#include "tools/terminal.h"
#include "tools/text.h"
#include "tools/values.h"

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

// What one side of the comparison is:
//   trial:12        a trial by its id, trial:12,15 several
//   paper-mnist     a sweep by id or name
//   paper-mnist:batch_size=8,depth>=5   its trials of which all of these hold; without a name, of the latest sweep
//   old.db          the latest sweep of another database
struct SideSpec {
  std::optional<std::string> file = {};
  std::string sweep = {};
  std::vector<std::int64_t> trials = {};
  std::vector<Filter> filters = {};
};

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

std::vector<std::int64_t> parse_trials(const std::string& text) {
  std::vector<std::int64_t> trials;
  for (const std::string& part : parts_of(text)) {
    std::int64_t trial = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), trial);
    if (error != std::errc() || end != part.data() + part.size()) break;
    trials.push_back(trial);
  }
  if (trials.empty() || trials.size() != parts_of(text).size()) {
    throw UsageError(fmt::format("'trial:{}' would have to be trial:ID, or trial:ID,ID", escape_controls(text)));
  }
  return trials;
}

SideSpec parse_side(const std::string& text) {
  std::error_code error;
  if (std::filesystem::is_regular_file(text, error)) return {.file = text};
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return {.sweep = text};
  const std::string behind = text.substr(colon + 1);
  if (text.substr(0, colon) == "trial") return {.trials = parse_trials(behind)};
  SideSpec spec{.sweep = text.substr(0, colon)};
  for (const std::string& part : parts_of(behind)) spec.filters.push_back(parse_filter(part));
  return spec;
}

// A side, its database open, before its figures are read.
class Side {
 public:
  Side(const SideSpec& spec, const std::string& database)
      : spec_(spec), database_(open_for_reading(spec.file.value_or(database))) {
    for (const std::int64_t trial : spec_.trials) sweeps_.push_back(sweep_of_trial(trial));
    if (sweeps_.empty()) sweeps_.push_back(find_report_sweep(database_, spec_.sweep));
  }

  bool has_phase(const std::string& phase) {
    return std::all_of(sweeps_.begin(), sweeps_.end(), [&](const ReportSweep& sweep) {
      const std::vector<std::string> phases = report_phases(database_, sweep.sweep_id);
      return std::find(phases.begin(), phases.end(), phase) != phases.end();
    });
  }

  ComparedSide read(const Figure& figure) {
    ComparedSide side{.title = title(), .rows = {}};
    for (std::size_t i = 0; i < sweeps_.size(); ++i) {
      for_each_report_row(database_, sweeps_[i].sweep_id, figure, [&](const ReportRow& row) {
        if (spec_.trials.empty() || row.trial_id == spec_.trials[i]) side.rows.push_back(row);
      });
    }
    for (const Filter& filter : spec_.filters) {
      check_field(side.rows, filter.name, side.title);
      std::erase_if(side.rows, [&](const ReportRow& row) { return !passes(row, filter); });
    }
    if (side.rows.empty()) {
      throw UsageError(side.title + (spec_.trials.empty()
                                         ? ": no trial is like that"
                                         : ": a warm-up, or tried again later; its last attempt counts"));
    }
    return side;
  }

 private:
  ReportSweep sweep_of_trial(std::int64_t trial) {
    const ResultTable found = query(database_, "SELECT sweep_id FROM trials WHERE trial_id = ?1", {trial});
    if (found.rows.empty()) {
      throw UsageError(fmt::format("there is no trial {} in {}; 'memtrack report --format csv' lists their ids", trial,
                                   database_.path().string()));
    }
    return find_report_sweep(database_, std::to_string(whole_of(found.rows[0][0]).value()));
  }

  std::string title() const {
    if (!spec_.trials.empty()) {
      return fmt::format("trial{} {}", spec_.trials.size() == 1 ? "" : "s", fmt::join(spec_.trials, ", "));
    }
    std::string text = fmt::format("sweep {} '{}'", sweeps_[0].sweep_id, escape_controls(sweeps_[0].name));
    if (spec_.file) text += " of " + escape_controls(*spec_.file);
    for (std::size_t i = 0; i < spec_.filters.size(); ++i) {
      const Filter& filter = spec_.filters[i];
      text += fmt::format("{}{}{}{}", i == 0 ? " with " : ", ", escape_controls(filter.name), filter.comparison,
                          escape_controls(filter.value));
    }
    return text;
  }

  SideSpec spec_;
  Database database_;
  std::vector<ReportSweep> sweeps_;  // one a trial, or the one
};

int run_compare(const CompareOptions& options) {
  Figure figure{.metric = find_report_metric(options.metric), .statistic = parse_statistic(options.statistic)};
  Side side_a(parse_side(options.a), options.database);
  Side side_b(parse_side(options.b), options.other_database.empty() ? options.database : options.other_database);
  const std::string phase = options.phase.empty() ? "train" : options.phase;
  if (!options.whole_trial && side_a.has_phase(phase) && side_b.has_phase(phase)) {
    figure.phase = phase;
  } else if (!options.phase.empty()) {
    throw UsageError(
        fmt::format("--phase is {}, and not both sides have trials that name it", memtrack::quoted(phase)));
  }
  const ComparedSide a = side_a.read(figure), b = side_b.read(figure);
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
