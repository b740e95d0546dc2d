// memtrack status: how far the sweeps are, from the database alone.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "daemon/processes.h"
#include "storage/paths.h"
#include "storage/trial_lock.h"
#include "tools/commands.h"
#include "tools/report/rows.h"
#include "tools/status_watch.h"
#include "tools/sweep_status.h"
#include "tools/terminal.h"
#include "tools/text.h"
#include "tools/text_table.h"

namespace memtrack {
namespace {

constexpr std::int64_t kSweepsShown = 20;

struct StatusOptions {
  std::string database;
  std::string sweep;
  bool json = false;
  bool watch = false;
};

struct Status {
  std::vector<SweepStatus> sweeps;
  std::vector<std::pair<TrialProgress, bool>> running;  // and whether it is lost
};

Status load_status(Database& database, const std::string& id_or_name, std::int64_t most_sweeps) {
  Status status;
  std::optional<std::int64_t> sweep_id;
  if (id_or_name.empty()) {
    status.sweeps = load_sweep_statuses(database, most_sweeps);
  } else {
    sweep_id = find_report_sweep(database, id_or_name).sweep_id;
    status.sweeps = {load_sweep_status(database, *sweep_id)};
  }
  for (TrialProgress& trial : load_running_trials(database, sweep_id)) {
    const bool lost = !is_lock_held(trial_lock_path(trial.uid)) &&
                      !open_collector(database, {.trial_id = trial.trial_id, .uid = trial.uid});
    status.running.emplace_back(std::move(trial), lost);
  }
  return status;
}

std::string state_text(const SweepStatus& sweep) {
  return sweep.state + (sweep.is_paused && (sweep.state == "queued" || sweep.state == "running") ? ", paused" : "");
}

std::string sweeps_text(const std::vector<SweepStatus>& sweeps, std::int64_t now, std::size_t width) {
  TextTable table;
  table.columns = {{.title = "sweep", .is_number = true},
                   {.title = "name"},
                   {.title = "method"},
                   {.title = "state"},
                   {.title = "trials"},
                   {.title = "submitted"}};
  for (const SweepStatus& sweep : sweeps) {
    const double age = static_cast<double>(now - sweep.created_ns) / 1e9;
    table.rows.push_back({std::to_string(sweep.sweep_id), truncate_to_width(escape_controls(sweep.name), 24),
                          sweep.method, state_text(sweep), counts_text(sweep.counts), format_seconds(age) + " ago"});
  }
  table.columns[4].fold_to = 12;
  return table.rows.empty() ? "No sweeps yet; 'memtrack sweep FILE' or 'memtrack run -- COMMAND' makes one.\n"
                            : render_text(table, width);
}

// `widest`: of a line about a trial.
std::string status_text(const Status& status, std::int64_t now, std::size_t widest = std::string::npos) {
  std::string text = sweeps_text(status.sweeps, now, output_width());
  if (!status.running.empty()) {
    text += "\nrunning:\n";
  }
  for (const auto& [trial, lost] : status.running) {
    const std::string line = truncate_to_width("  " + running_trial_text(trial, now, lost), widest);
    text += coloured(line, lost ? "31" : "32", output_has_colour()) + "\n";
  }
  return text;
}

std::vector<std::string> status_lines(const Status& status) {
  std::vector<std::string> lines;
  for (const SweepStatus& sweep : status.sweeps) {
    lines.push_back(fmt::format("sweep {} '{}' {}: {}", sweep.sweep_id, escape_controls(sweep.name), state_text(sweep),
                                counts_text(sweep.counts)));
  }
  return lines;
}

nlohmann::ordered_json counts_json(const StateCounts& counts) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [state, count] : counts) {
    object[std::string(to_string(state))] = count;
  }
  return object;
}

template <typename T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

void print_json(const Status& status) {
  using nlohmann::ordered_json;
  ordered_json sweeps = ordered_json::array();
  for (const SweepStatus& sweep : status.sweeps) {
    sweeps.push_back({{"sweep_id", sweep.sweep_id},
                      {"uid", sweep.uid},
                      {"name", sweep.name},
                      {"method", sweep.method},
                      {"state", sweep.state},
                      {"created_ns", sweep.created_ns},
                      {"priority", sweep.priority},
                      {"paused", sweep.is_paused},
                      {"open_ended", sweep.is_open_ended},
                      {"trials", counts_json(sweep.counts)}});
  }
  ordered_json running = ordered_json::array();
  for (const auto& [trial, lost] : status.running) {
    running.push_back({{"trial_id", trial.trial_id},
                       {"uid", trial.uid},
                       {"sweep_id", trial.sweep_id},
                       {"number", trial.number},
                       {"repeat", trial.repeat},
                       {"started_ns", or_null(trial.started_ns)},
                       {"phase", trial.phase.empty() ? ordered_json(nullptr) : ordered_json(trial.phase)},
                       {"epochs", or_null(trial.epochs)},
                       {"epoch", or_null(trial.epoch)},
                       {"train_loss", or_null(trial.train_loss)},
                       {"test_accuracy", or_null(trial.test_accuracy)},
                       {"lost", lost}});
  }
  const ordered_json document = {{"sweeps", std::move(sweeps)}, {"running", std::move(running)}};
  print(document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

int run_status(const StatusOptions& options) {
  Database database = open_for_reading(options.database);
  const auto load = [&](std::int64_t most_sweeps = kSweepsShown) {
    return load_status(database, options.sweep, most_sweeps);
  };
  if (options.watch) {
    const auto fitting = [] { return std::max<std::int64_t>(static_cast<std::int64_t>(output_height()) / 2, 3); };
    return watch_status({.screen = [&] { return status_text(load(fitting()), now_ns(), output_width()); },
                         .lines = [&] { return status_lines(load()); }});
  }
  if (options.json) {
    print_json(load());
  } else {
    print(status_text(load(), now_ns()));
  }
  return 0;
}

}  // namespace

void add_status_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<StatusOptions>();
  CLI::App* command = app.add_subcommand("status", "How far the sweeps are, and what runs; needs no daemon");
  command->add_option("SWEEP", options->sweep, "Id or name of a sweep (default: the latest 20 and all unfinished)")
      ->type_name("");
  CLI::Option* const json = command->add_flag("--json", options->json, "For programs");
  command->add_flag("--watch", options->watch, "Look again every second, until Ctrl-C")->excludes(json);
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack status\n"
               "memtrack status --watch\n"
               "memtrack status quickstart --json");
  command->callback([options, &action] { action = [options] { return run_status(*options); }; });
}

}  // namespace memtrack
