// memtrack run: measure one command, no daemon.

#include <fmt/format.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "storage/paths.h"
#include "storage/trial_store.h"
#include "sweeps/sweep.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/foreground_trial.h"
#include "tools/run_summary.h"
#include "tools/signal_watch.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

struct RunOptions {
  std::string database;
  std::string interval = "1s";
  std::string memory_limit;  // empty: none
  std::string name;
  std::vector<std::string> command;
};

// `before`: what stands in front of the first "--" and is no option of ours; `behind`: that "--" and all behind it.
//   memtrack run -- git log -- file      and      memtrack run git log -- file      measure the same.
std::vector<std::string> measured_command(std::vector<std::string> before, const std::vector<std::string>& behind) {
  if (!before.empty() && before.front().starts_with('-')) {
    throw UsageError(fmt::format("{} is no option of memtrack run; 'memtrack run --help' lists them", before.front()));
  }
  const bool separates = before.empty() && !behind.empty();
  before.insert(before.end(), behind.begin() + (separates ? 1 : 0), behind.end());
  return before;
}

std::optional<std::int64_t> checked_memory_limit(const std::string& text) {
  if (text.empty()) {
    return std::nullopt;
  }
  const std::int64_t bytes = parse_size(text);
  if (bytes < kLeastMemoryLimit) {
    throw UsageError(
        fmt::format("--memory-limit is {}, and would have to be at least {}", text, format_size(kLeastMemoryLimit)));
  }
  return bytes;
}

int run_measured(const RunOptions& options) {
  for (const std::string& word : options.command) {
    if (!is_utf8(word)) {
      throw UsageError(
          fmt::format("'{}' is no UTF-8, and could not be kept with the trial as it is; rename the file, or "
                      "start it from a script",
                      escape_controls(word)));
    }
  }
  if (options.command.empty()) {
    throw UsageError("no command to measure; an example: memtrack run -- python3 train.py");
  }
  const std::chrono::nanoseconds interval = checked_interval(options.interval);
  const std::optional<std::int64_t> memory_limit = checked_memory_limit(options.memory_limit);
  const SignalWatch signals({SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGCHLD});
  sibling_program("memtrack-collector");  // throws before anything is written
  const std::filesystem::path path = database_path(options.database);
  Database database = open_for_trial(path);
  const std::string name =
      options.name.empty() ? std::filesystem::path(options.command.front()).filename().string() : options.name;
  const Trial trial =
      insert_run(database, name, options.command, std::filesystem::current_path().string(), interval, memory_limit);
  const pid_t collector = start_collector(database, trial, signals);
  // SIGTERM and SIGHUP are handed on: the collector passes them to the command. What Ctrl-C and Ctrl-\ send reaches
  // the command by itself, as a hang-up of the terminal does.
  const int status = wait_for_collector(collector, signals, [collector](int signal) {
    if (signal == SIGTERM || signal == SIGHUP) {
      kill(collector, signal);
    }
  });
  end_unfinished(database, trial, status);
  print_error(run_summary_text(load_run_summary(database, trial.trial_id), database_flag(path)));
  return WIFEXITED(status) ? WEXITSTATUS(status) : kRunFailed;
}

}  // namespace

void add_run_command(CLI::App& app, Action& action, const std::vector<std::string>& words) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand(
      "run", "Measure one command: memtrack run [OPTIONS] -- COMMAND...; it keeps its input, output and exit code");
  command->add_option("--interval", options->interval, "Sampling period, 1ms to 24h")->capture_default_str();
  command->add_option("--memory-limit", options->memory_limit,
                      "The kernel ends it where it needs more, as 512MiB or 8GiB; needs a cgroup");
  command->add_option("--name", options->name, "Its name in reports (default: the program's)");
  add_database_option(*command, options->database);
  command->prefix_command();
  add_examples(*command,
               "memtrack run -- python3 train.py --epochs 2\n"
               "memtrack run --interval 100ms --name sort -- sh -c 'sort big.txt > sorted.txt'\n"
               "\nExit code: the command's, 128 + signal, 125 when memtrack failed, 126 and 127 as env(1)");
  command->callback([options, command, &action, &words] {
    options->command = measured_command(command->remaining(), words);
    action = [options] { return run_measured(*options); };
  });
}

}  // namespace memtrack
