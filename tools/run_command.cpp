// memtrack run: measure one command, no daemon.

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "daemon/processes.h"
#include "daemon/recovery.h"
#include "storage/paths.h"
#include "storage/trial_lock.h"
#include "storage/trial_store.h"
#include "sweeps/sweep.h"
#include "tools/child_process.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
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

std::chrono::nanoseconds checked_interval(const std::string& text) {
  const std::chrono::nanoseconds interval = parse_duration(text);
  if (interval < std::chrono::milliseconds(1) || interval > std::chrono::hours(24)) {
    throw UsageError(fmt::format("--interval is {}, and would have to be between 1ms and 24h", text));
  }
  return interval;
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

// The trial's collector, with the trial's lock in its hands. From here on it alone decides how the trial ends.
pid_t start_collector(const std::filesystem::path& program, const std::filesystem::path& database, const Trial& trial,
                      const TrialLock& lock, const sigset_t& signal_mask) {
  return start_child({.program = program,
                      .arguments = {"--db", database.string(), "--trial", std::to_string(trial.trial_id), "--lock-fd",
                                    std::to_string(lock.descriptor()), "--foreground"},
                      .hand_down = lock.descriptor(),
                      .signal_mask = signal_mask});
}

// SIGTERM and SIGHUP are handed on: the collector passes them to the command. What Ctrl-C and Ctrl-\ send reaches the
// command by itself, as a hang-up of the terminal does.
int wait_for_end(pid_t collector, const SignalWatch& signals) {
  int status = 0;
  while (waitpid(collector, &status, WNOHANG) != collector) {
    const int signal = signals.wait();
    if (signal == SIGTERM || signal == SIGHUP) {
      kill(collector, signal);
    }
  }
  return status;
}

// The collector ended without having written how the trial ended. recover() would do the same, but leaves it to a
// daemon where one supervises the database; we know of it now.
void end_unfinished(Database& database, const Trial& trial, int status) {
  const Trial found = find_trial(database, trial.trial_id);
  if (found.state != TrialState::running) {
    return;
  }
  end_tree(found);
  end_trial(database, trial.trial_id, TrialState::lost,
            fmt::format("its collector {} before it had recorded the outcome", describe_wait_status(status)));
}

std::string database_flag(const std::filesystem::path& database) {
  return database == database_path("") ? "" : fmt::format("--db {} ", shell_word(database.string()));
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
  const std::filesystem::path program = sibling_program("memtrack-collector");
  const std::filesystem::path path = database_path(options.database);
  event_socket_path(make_uid());  // a runtime folder that is of no use is told before anything is written
  Database database = Database::open_for_writing(path);
  recover(database);
  const std::string name =
      options.name.empty() ? std::filesystem::path(options.command.front()).filename().string() : options.name;
  const Trial trial =
      insert_run(database, name, options.command, std::filesystem::current_path().string(), interval, memory_limit);
  auto lock = TrialLock::try_acquire(trial_lock_path(trial.uid));
  if (!lock) {
    throw std::runtime_error(fmt::format("cannot take the lock of trial {}: someone holds it", trial.trial_id));
  }
  const pid_t collector = start_collector(program, path, trial, *lock, signals.mask_before());
  lock.reset();  // the collector's alone: it is free when the collector ends, however it ends
  const int status = wait_for_end(collector, signals);
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
