// memtrack attach: measure a process that already runs.

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <limits>
#include <memory>

#include "collector/proc_text.h"
#include "storage/paths.h"
#include "storage/trial_store.h"
#include "tools/attach_target.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/foreground_trial.h"
#include "tools/run_summary.h"
#include "tools/signal_watch.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

struct AttachOptions {
  std::string database;
  std::string interval = "1s";
  std::string name;
  std::string pid;
};

pid_t checked_pid(const std::string& text) {
  const auto pid = parse_integer(text);
  if (!pid || *pid < 1 || *pid > std::numeric_limits<pid_t>::max()) {
    throw UsageError(fmt::format("PID is '{}', and would have to be the number of a process", escape_controls(text)));
  }
  return static_cast<pid_t>(*pid);
}

std::string opening_text(const AttachTarget& target, const std::string& interval, const Trial& trial) {
  return fmt::format(
      "memtrack: measuring process {} ({}) every {}; Ctrl-C stops watching\n"
      "memtrack: for 'memtrack log' about it:\n"
      "memtrack:   MEMTRACK_EVENTS={}\n",
      target.pid, escape_controls(target.name), interval, shell_word(event_socket_path(trial.uid).string()));
}

int run_attach(const AttachOptions& options) {
  const std::chrono::nanoseconds interval = checked_interval(options.interval);
  const AttachTarget target = find_attach_target(checked_pid(options.pid), {.pid = getpid(), .uid = geteuid()});
  const SignalWatch signals({SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGCHLD});
  sibling_program("memtrack-collector");  // throws before anything is written
  const std::filesystem::path path = database_path(options.database);
  Database database = open_for_trial(path);
  const Trial trial = insert_attached(database, options.name.empty() ? target.name : options.name, target.command,
                                      target.cwd, interval);
  print_error(opening_text(target, options.interval, trial));
  const pid_t collector =
      start_collector(database, trial, signals, {"--attach", fmt::format("{}:{}", target.pid, target.start_ticks)});
  const int status = wait_for_collector(collector, signals, [collector](int signal) {
    if (signal != SIGCHLD) {
      kill(collector, SIGTERM);
    }
  });
  end_unfinished(database, trial, status);
  print_error(run_summary_text(load_run_summary(database, trial.trial_id), database_flag(path)));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? kRight : kFailed;
}

}  // namespace

void add_attach_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<AttachOptions>();
  CLI::App* command = app.add_subcommand(
      "attach", "Measure a process that runs already, with all that it starts; it is watched and never touched");
  command->add_option("PID", options->pid, "Of the process: 'pgrep -f train.py' finds it")->required()->type_name("");
  command->add_option("--interval", options->interval, "Sampling period, 1ms to 24h")->capture_default_str();
  command->add_option("--name", options->name, "Its name in reports (default: the process's)");
  add_database_option(*command, options->database);
  add_examples(*command,
               "memtrack attach 4711\n"
               "memtrack attach $(pgrep -of train.py) --interval 100ms --name train\n"
               "\nIt ends with the process, or by Ctrl-C or SIGTERM: the process runs on, and what was measured so far "
               "is kept.");
  command->callback([options, &action] { action = [options] { return run_attach(*options); }; });
}

}  // namespace memtrack
