// memtrack daemon: memtrackd where there is no systemd.

#include <fmt/format.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "daemon/client.h"
#include "daemon/processes.h"
#include "daemon/settings.h"
#include "storage/paths.h"
#include "sweeps/sweep.h"
#include "tools/child_process.h"
#include "tools/commands.h"
#include "tools/exit_codes.h"
#include "tools/follow.h"
#include "tools/running_daemon.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

constexpr auto kStartLimit = std::chrono::seconds(60);
constexpr auto kMoment = std::chrono::seconds(1);  // what takes longer is told of
constexpr auto kPause = std::chrono::milliseconds(20);
constexpr std::size_t kLinesTold = 5;

struct DaemonOptions {
  std::string database;
  std::string socket;
  bool follow = false;
  bool json = false;
};

// Waits until the daemon that we started answers. Somebody else's may be quicker; then ours ends and says so in its
// log.
RunningDaemon wait_for_answer(const ApiClient& client, pid_t child, const std::filesystem::path& log) {
  const auto deadline = std::chrono::steady_clock::now() + kStartLimit;
  bool ended = false;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto daemon = find_running_daemon(client)) {
      return *daemon;
    }
    if (ended) {
      throw std::runtime_error(
          fmt::format("memtrackd ended at once; {} ends with:\n{}", log.string(), last_lines(log, kLinesTold)));
    }
    int status = 0;
    ended = waitpid(child, &status, WNOHANG) == child;  // one more look after its end, see above
    std::this_thread::sleep_for(kPause);
  }
  throw std::runtime_error(fmt::format("memtrackd (pid {}) was started and does not answer within {} s; its log is {}",
                                       child, kStartLimit.count(), log.string()));
}

int start(const DaemonOptions& options) {
  const std::filesystem::path database = database_path(options.database);
  const std::filesystem::path socket = daemon_socket_path(options.socket);
  const ApiClient client(socket);
  if (const auto daemon = find_running_daemon(client)) {
    print(fmt::format("memtrackd runs already: {}\n", describe(*daemon, socket)));
    if (daemon->database != database.string()) {
      throw std::runtime_error(
          fmt::format("it keeps another database than {}; stop it first, or give the new one a --socket of its own",
                      database.string()));
    }
    return kRight;
  }
  make_folders(database.parent_path());
  const std::filesystem::path log = daemon_log_path(database);
  std::vector<std::string> arguments = {"--db", database.string(), "--socket", socket.string()};
  if (const std::filesystem::path config = config_file(""); !config.empty()) {
    arguments.insert(arguments.end(), {"--config", config.string()});
  }
  const pid_t child =
      start_child({.program = sibling_program("memtrackd"), .arguments = arguments, .in_background = true, .log = log});
  const RunningDaemon daemon = wait_for_answer(client, child, log);
  print(fmt::format("memtrackd {}: {}\n", daemon.pid == child ? "started" : "runs already", describe(daemon, socket)));
  return kRight;
}

// Where the daemon that is meant was looked for, and what is there.
struct Look {
  std::filesystem::path socket;
  std::filesystem::path database;
  std::optional<RunningDaemon> daemon = {};   // that answers
  std::string trouble = {};                   // why what answers is of no use
  std::optional<DatabaseKeeper> keeper = {};  // of the database, where no daemon answers for it
};

Look look_for_daemon(const DaemonOptions& options) {
  Look found{.socket = daemon_socket_path(options.socket), .database = database_path(options.database)};
  try {
    found.daemon = find_running_daemon(ApiClient(found.socket));
  } catch (const std::runtime_error& error) {
    found.trouble = error.what();  // of a daemon in trouble, which its database finds all the same
  }
  if (found.daemon && !options.database.empty() && found.daemon->database != found.database.string()) {
    found.daemon.reset();  // --db means another
  }
  if (!found.daemon) {
    found.keeper = find_keeper(found.database);
  }
  return found;
}

bool is_kept_by_daemon(const Look& found) {
  return found.keeper && found.keeper->program == "memtrackd";
}

// Of what is there where no daemon answers.
std::string absence_text(const Look& found) {
  const std::string here = fmt::format("memtrackd does not run on {}", found.socket.string());
  if (is_kept_by_daemon(found)) {
    return fmt::format(
        "memtrackd (pid {}) keeps {}, but nobody answers on {}: either that file was removed, or it was given another "
        "--socket; 'memtrack daemon stop' stops it, its running trials go on, and 'memtrack daemon start' starts it "
        "anew",
        found.keeper->pid, found.database.string(), found.socket.string());
  }
  if (found.keeper) {
    return fmt::format(
        "{}; the trials of {} are run by process {} ({}), such as 'memtrack sweep --local', which is left alone: end "
        "it where it was started",
        here, found.database.string(), found.keeper->pid, found.keeper->program);
  }
  return here + "; 'memtrack daemon start' starts it";
}

// Takes hold of the process, then asks again: a pid that was read from an answer alone may be another's by now.
FileDescriptor open_daemon(const ApiClient& client, const RunningDaemon& daemon) {
  FileDescriptor process = open_process(daemon.pid);
  const auto again = find_running_daemon(client);
  if (!process || !again || again->pid != daemon.pid) {
    throw std::runtime_error(
        "memtrackd ended or was replaced while it was to be stopped; look with 'memtrack daemon status'");
  }
  return process;
}

// As it told it; else as the next one would be started, like this one most likely.
std::chrono::nanoseconds drain_of(const Look& found) {
  if (found.daemon && found.daemon->health.contains("drain_s")) {
    const std::chrono::duration<double> drain(found.daemon->health.at("drain_s").get<double>());
    return std::chrono::duration_cast<std::chrono::nanoseconds>(drain);
  }
  try {
    return load_settings({}).values.drain;
  } catch (const SweepError&) {
    return Settings().drain;  // what is wrong in the file now is told by the next start
  }
}

// True where the process ended within `limit`.
bool wait_for_end(const FileDescriptor& process, std::chrono::nanoseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!has_ended(process)) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

void end_daemon(const FileDescriptor& process, pid_t pid, std::chrono::nanoseconds drain) {
  send_signal(process, SIGTERM);
  if (wait_for_end(process, kMoment)) {
    return;
  }
  say(fmt::format("memtrackd (pid {}) waits up to {} for its running trials (drain)", pid, format_duration(drain)));
  const auto limit = longest_stop(drain);
  if (!wait_for_end(process, limit)) {
    throw std::runtime_error(
        fmt::format("memtrackd (pid {}) got SIGTERM and still runs after {}", pid, format_duration(limit)));
  }
}

int stop(const DaemonOptions& options) {
  const Look found = look_for_daemon(options);
  if (!found.daemon && !is_kept_by_daemon(found)) {
    if (!found.trouble.empty()) {
      throw std::runtime_error(found.trouble);
    }
    print(absence_text(found) + "\n");
    return kRight;
  }
  const pid_t pid = found.daemon ? found.daemon->pid : found.keeper->pid;
  if (found.daemon) {
    end_daemon(open_daemon(ApiClient(found.socket), *found.daemon), pid, drain_of(found));
  } else {
    end_daemon(found.keeper->process, pid, drain_of(found));
  }
  const bool trains = found.daemon && found.daemon->running > 0;
  print(fmt::format("memtrackd stopped (pid {}){}\n", pid,
                    trains ? "; what still runs goes on, and is found again by the next start" : ""));
  return kRight;
}

std::string status_text(const RunningDaemon& daemon, const std::filesystem::path& socket) {
  return fmt::format("memtrackd {} runs since {}: {}; {} queued, {} running\n", daemon.version,
                     format_seconds(daemon.health.value("uptime_s", 0.0)), describe(daemon, socket), daemon.queued,
                     daemon.running);
}

nlohmann::json absence_json(const Look& found) {
  nlohmann::json told = {{"status", is_kept_by_daemon(found) ? "not answering" : "not running"}};
  if (found.keeper) {
    told.update(
        {{"pid", found.keeper->pid}, {"program", found.keeper->program}, {"database", found.database.string()}});
  }
  if (!found.trouble.empty()) {
    told["error"] = found.trouble;
  }
  return told;
}

int status(const DaemonOptions& options) {
  const Look found = look_for_daemon(options);
  if (options.json) {
    print((found.daemon ? found.daemon->health : absence_json(found)).dump() + "\n");
  } else if (found.daemon) {
    print(status_text(*found.daemon, found.socket));
  } else if (!found.trouble.empty()) {
    throw std::runtime_error(
        is_kept_by_daemon(found)
            ? fmt::format("memtrackd (pid {}): {}; 'memtrack daemon stop' stops it", found.keeper->pid, found.trouble)
            : found.trouble);
  } else {
    print(absence_text(found) + "\n");
  }
  return found.daemon ? kRight : found.trouble.empty() ? kNoDaemon : kFailed;
}

int logs(const DaemonOptions& options) {
  const auto daemon = find_running_daemon(ApiClient(daemon_socket_path(options.socket)));
  const bool ask_daemon = daemon && options.database.empty();
  const std::filesystem::path log =
      daemon_log_path(ask_daemon ? std::filesystem::path(daemon->database) : database_path(options.database));
  if (!std::filesystem::exists(log)) {
    throw UsageError(
        fmt::format("there is no {} yet: 'memtrack daemon start' writes it; under systemd: journalctl --user "
                    "-u memtrackd, or journalctl -u memtrackd@USER",
                    log.string()));
  }
  if (options.follow) {
    follow_file(log, [] { return true; });
  } else {
    print_file(log);
  }
  return kRight;
}

}  // namespace

void add_daemon_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<DaemonOptions>();
  CLI::App* command = app.add_subcommand("daemon", "Run memtrackd in the background, where there is no systemd");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*run)(const DaemonOptions&), const char* example) {
    CLI::App* subcommand = command->add_subcommand(name, help);
    add_socket_option(*subcommand, options->socket);
    add_examples(*subcommand, example);
    subcommand->callback([options, run, &action] { action = [options, run] { return run(*options); }; });
    return subcommand;
  };
  CLI::App* start_command = add("start", "Start it and wait until it answers", start,
                                "memtrack daemon start\nmemtrack daemon start --db runs.db --socket runs.sock");
  add_database_option(*start_command, options->database);
  CLI::App* stop_command = add("stop", "Stop it; a running trial goes on under its collector", stop,
                               "memtrack daemon stop\nmemtrack daemon stop --db runs.db");
  add_database_option(*stop_command, options->database);
  CLI::App* status_command = add("status", "Exit code 0 where it runs, 3 where not", status, "memtrack daemon status");
  status_command->add_flag("--json", options->json, "For programs");
  add_database_option(*status_command, options->database);
  CLI::App* logs_command = add("logs", "What it said", logs, "memtrack daemon logs -f");
  logs_command->add_flag("-f,--follow", options->follow, "Go on until Ctrl-C");
  add_database_option(*logs_command, options->database);
  add_examples(*command, "memtrack daemon start\nmemtrack daemon status\nmemtrack daemon stop");
}

}  // namespace memtrack
