// memtrack sweep: check a sweep file, submit it, and where asked for wait or run it here.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "daemon/client.h"
#include "daemon/database_guard.h"
#include "daemon/submission.h"
#include "datasets/sha256.h"
#include "storage/paths.h"
#include "sweeps/first_trials.h"
#include "sweeps/sweep.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/predict/fit_check.h"
#include "tools/predict/past_trials.h"
#include "tools/running_daemon.h"
#include "tools/sweep_file.h"
#include "tools/sweep_status.h"
#include "tools/sweep_wait.h"
#include "tools/terminal.h"
#include "tools/text.h"
#include "tools/trial_table.h"

namespace memtrack {
namespace {

using nlohmann::json;

struct SweepOptions {
  std::string database;
  std::string socket;
  std::string file;
  std::vector<std::string> set;
  Overrides overrides;
  bool dry_run = false;
  bool wait = false;
  bool local = false;
  std::string share;
  std::string submission;
  bool json = false;
};

std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (const std::size_t equals = text.find('='); equals != std::string_view::npos && equals > 0) {
      result.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return result;
}

// The same on all machines that run shares of one file under one name with the same flags; another file is another
// submission.
std::string submission_uid(const std::string& name, const SubmissionRequest& request) {
  Sha256 digest;
  for (const std::string& part : {name, request.config, to_json(request.overrides).dump()}) {
    const std::string with_size = fmt::format("{}:{}", part.size(), part);
    digest.add(std::span(reinterpret_cast<const std::uint8_t*>(with_size.data()), with_size.size()));
  }
  return digest.finish().substr(0, 32);
}

Share share_of(const SweepOptions& options, const SubmissionRequest& request) {
  try {
    return parse_share(options.share, submission_uid(options.submission, request));
  } catch (const std::invalid_argument& error) {
    throw UsageError(fmt::format("--shard: {}", error.what()));
  }
}

SubmissionRequest make_request(const SweepOptions& options) {
  SubmissionRequest request{.config = read_sweep_file(options.file),
                            .file = options.file == "-" ? "standard input" : options.file,
                            .cwd = std::filesystem::current_path().string(),
                            .environment = own_environment(),
                            .overrides = options.overrides};
  request.overrides.set = parse_set_options(options.set);
  if (!options.share.empty()) request.share = share_of(options, request);
  return request;
}

// What a trial's command would be; the trainer's bare name where this tree was built without it.
std::string trainer_path() {
  const std::filesystem::path place = "libexec/memtrack/memtrack-trainer";
  const std::filesystem::path path =
      std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / place;
  return std::filesystem::exists(path) ? path.string() : "memtrack-trainer";
}

// All of them, or of an open-ended sweep the first ones.
void for_each_shown_trial(const Sweep& sweep, const ExpansionContext& context,
                          const std::function<void(const TrialPlan&)>& take) {
  if (sweep.is_open_ended) {
    for_each_drawn_trial(sweep, context, 1, kShownWhenOpen, take);
  } else {
    for_each_trial(sweep, context, take);
  }
}

void print_table(const Sweep& sweep, const ExpansionContext& context) {
  print(sweep_head(sweep));
  print(context.share ? fmt::format("Of these share {} of {}:\n", context.share->index, context.share->count) : "");
  TrialTable table(sweep, output_width(), print);
  std::string first_command;
  for_each_shown_trial(sweep, context, [&](const TrialPlan& trial) {
    if (first_command.empty()) {
      first_command = command_text(trial.command);
    }
    table.add(trial);
  });
  table.finish();
  print(sweep.is_open_ended ? fmt::format("... and so on until it is cancelled; --count N draws N.\n") : "");
  print("The first trial's command: " + first_command + "\n");
}

int dry_run(const SubmissionRequest& request, bool as_json) {
  const ExpansionContext context{.environment = request.environment, .trainer = trainer_path(), .share = request.share};
  const std::vector<Sweep> sweeps = parse_sweep_file(request.config, request.file, request.overrides);
  std::string separator = as_json ? "[\n" : "";
  for (const Sweep& sweep : sweeps) {
    for (const std::string& warning : sweep.warnings) {
      say("warning: " + warning);
    }
    if (as_json) {
      for_each_shown_trial(sweep, context, [&](const TrialPlan& trial) {
        print(separator + trial_json(sweep, trial));
        separator = ",\n";
      });
    } else {
      print(separator);
      separator = "\n";
      print_table(sweep, context);
    }
  }
  print(as_json ? separator == "[\n" ? "[]\n" : "\n]\n" : "");
  return kRight;
}

// The answer's "sweeps".
json submit_to_daemon(const ApiClient& client, const SubmissionRequest& request) {
  const ApiReply reply = client.post("/v1/sweeps", to_json(request));
  if (reply.status >= 400 && reply.status < 500) {
    throw SweepError(reply.error());
  }
  if (reply.status != 201) {
    throw std::runtime_error(fmt::format("memtrackd could not take the sweep: {}", reply.error()));
  }
  return reply.body.at("sweeps");
}

// An earlier daemon's database must not be mistaken for the one that was asked for.
void check_database(const SweepOptions& options, const RunningDaemon& daemon) {
  const std::string wanted = database_path(options.database).string();
  if (wanted == daemon.database) {
    return;
  }
  if (!options.database.empty()) {
    throw UsageError(
        fmt::format("memtrackd (pid {}) keeps {}, not {}; start another with --db and --socket, or use --local",
                    daemon.pid, daemon.database, wanted));
  }
  say(fmt::format("memtrack: memtrackd keeps {}: read it with --db or MEMTRACK_DB", daemon.database));
}

void check_nobody_supervises(const std::filesystem::path& database) {
  if (const auto pid = supervising_process(database)) {
    throw UsageError(fmt::format("process {} runs the queue of {} already; leave out --local, or name another --db",
                                 *pid, database.string()));
  }
}

void tell_submitted(const json& sweeps) {
  for (const json& sweep : sweeps) {
    print(fmt::format("sweep {} '{}': {}\n", sweep.at("sweep_id").get<std::int64_t>(),
                      escape_controls(sweep.at("name").get<std::string>()),
                      sweep.at("open_ended").get<bool>() ? "drawn until it is cancelled"
                                                         : count_of(sweep.at("trials").get<std::int64_t>(), "trial")));
  }
  flush_output();
}

void tell_warnings(const json& sweeps) {
  for (const json& sweep : sweeps) {
    for (const json& warning : sweep.at("warnings")) {
      say("warning: " + warning.get<std::string>());
    }
  }
}

std::vector<std::int64_t> ids_of(const json& sweeps) {
  std::vector<std::int64_t> ids;
  for (const json& sweep : sweeps) {
    ids.push_back(sweep.at("sweep_id").get<std::int64_t>());
  }
  return ids;
}

// Says how the sweeps ended. True where every trial is done, an attempt that was repeated left out.
bool tell_end(const std::filesystem::path& database, json& sweeps, bool as_json) {
  Database handle = Database::open_for_reading(database);
  bool all_done = true;
  for (json& sweep : sweeps) {
    const SweepStatus status = load_sweep_status(handle, sweep.at("sweep_id").get<std::int64_t>());
    all_done = all_done && status.state == "done";
    for (const auto& [state, count] : status.counts) {
      sweep["states"][std::string(to_string(state))] = count;
    }
    if (!as_json) {
      print(fmt::format("sweep {} '{}': {}\n", status.sweep_id, escape_controls(status.name),
                        counts_text(status.counts)));
    }
  }
  return all_done;
}

void tell_how_to_go_on(const json& sweeps) {
  const std::string which = sweeps.size() == 1 ? fmt::format(" {}", ids_of(sweeps).front()) : "";
  say(fmt::format("Go on with: memtrack status{0} | memtrack report{0} | memtrack cancel{0}", which));
}

// A database that cannot be read says so where the sweep is stored.
Calibration calibration_where_readable(const std::string& database) {
  try {
    return calibration_of_this_machine(database_path(database));
  } catch (const StorageError&) {
    return Calibration::built_in();
  }
}

// Predicts where that matters: trials that are limited, and several at a time without a limit, of which only so many
// are run as will fit this machine.
void check_memory(const SweepOptions& options, SubmissionRequest& request) {
  const auto names = [&](const char* setting) { return request.config.find(setting) != std::string::npos; };
  if (!names("memory_limit") && !names("jobs") && !request.overrides.jobs) return;  // a huge file is not read twice
  const std::vector<Sweep> sweeps = parse_sweep_file(request.config, request.file, request.overrides);
  const Calibration calibration = calibration_where_readable(options.database);
  for (const Sweep& sweep : sweeps) {
    if (const auto warning = limit_warning(sweep, calibration, options.file)) say("warning: " + *warning);
  }
  if (const auto fewer = fewer_jobs(sweeps, calibration, memory_room_here().bytes)) {
    say("warning: " + fewer->why);
    request.overrides.jobs = fewer->jobs;
  }
}

int run_sweep(const SweepOptions& options) {
  SubmissionRequest request = make_request(options);
  check_memory(options, request);
  if (options.dry_run) {
    return dry_run(request, options.json);
  }
  std::filesystem::path database = database_path(options.database);
  json sweeps;
  if (options.local) {
    parse_sweep_file(request.config, request.file, request.overrides);  // a wrong file is told before all else
    check_nobody_supervises(database);
    sweeps = submit(database, request).at("sweeps");
  } else {
    const ApiClient client(daemon_socket_path(options.socket));
    const RunningDaemon daemon = require_daemon(client);
    check_database(options, daemon);
    database = daemon.database;
    sweeps = submit_to_daemon(client, request);
  }
  tell_warnings(sweeps);
  if (!options.json) {
    tell_submitted(sweeps);
  }
  int exit_code = kRight;
  if (options.wait || options.local) {
    const auto wait = options.local ? wait_and_run : wait_with_daemon;
    exit_code = wait(database, ids_of(sweeps));
    const bool all_done = tell_end(database, sweeps, options.json);
    exit_code = exit_code == kRight && !all_done ? kFailed : exit_code;
  } else {
    tell_how_to_go_on(sweeps);
  }
  print(options.json ? json{{"sweeps", sweeps}}.dump() + "\n" : "");
  return exit_code;
}

void add_overrides(CLI::App& command, SweepOptions& options) {
  Overrides& overrides = options.overrides;
  command.add_option("--set", options.set, "Fix a parameter for all trials; may be given again")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command.add_option("--interval", overrides.interval, "Sampling period, 1ms to 24h")->type_name("TIME");
  command.add_option("--timeout", overrides.timeout, "End a trial that takes longer")->type_name("TIME");
  command.add_option("--repeats", overrides.repeats, "Run all trials this often")->type_name("N");
  command.add_option("--order", overrides.order, "listed or shuffled")->type_name("ORDER");
  command.add_option("--seed", overrides.seed, "Of drawing and shuffling")->type_name("N");
  command.add_option("--jobs", overrides.jobs, "Trials at a time; beside each other, they share the system's figures")
      ->type_name("N");
  command.add_option("--retries", overrides.retries, "Try again what failed or was lost, this often")->type_name("N");
  command.add_option("--priority", overrides.priority, "Sweeps of a higher one go first (default: 0)")->type_name("N");
  command.add_option("--method", overrides.method, "grid, random or list")->type_name("METHOD");
  command.add_option("--count", overrides.count, "At most this many trials, before repeats")->type_name("N");
}

}  // namespace

void add_sweep_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<SweepOptions>();
  CLI::App* command =
      app.add_subcommand("sweep", "Train and measure what a sweep file names, one trial after the other");
  command->add_option("FILE", options->file, "The sweep file, YAML; - reads standard input")->required()->type_name("");
  add_overrides(*command, *options);
  command->add_flag("--dry-run", options->dry_run, "Only show the trials; no daemon, no database");
  command->add_flag("--wait", options->wait, "Show progress to the end; exit code 1 where a trial is not done");
  CLI::Option* local = command->add_flag("--local", options->local, "Run it here, without a daemon, to the end");
  CLI::Option* share =
      command->add_option("--shard", options->share, "Of its trials only the I-th of N shares; each may run elsewhere");
  share->type_name("I/N")->needs(local);
  CLI::Option* submission = command->add_option("--submission", options->submission, "What the shares have in common");
  submission->type_name("NAME")->needs(share);
  share->needs(submission);
  command->add_flag("--json", options->json, "For programs");
  add_database_option(*command, options->database);
  add_socket_option(*command, options->socket);
  add_examples(*command,
               "memtrack sweep sweep.yaml --dry-run\n"
               "memtrack sweep sweep.yaml --set epochs=1 --interval 100ms --wait\n"
               "memtrack sweep sweep.yaml --local\n"
               "memtrack sweep sweep.yaml --local --shard 2/4 --submission night --db share2.db\n"
               "memtrack sweep sweep.yaml --set 'hidden_layers=[128, 64]'");
  command->callback([options, &action] { action = [options] { return run_sweep(*options); }; });
}

}  // namespace memtrack
