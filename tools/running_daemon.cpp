#include "tools/running_daemon.h"

#include <fmt/format.h>

#include "daemon/database_guard.h"
#include "daemon/processes.h"
#include "daemon/settings.h"
#include "storage/paths.h"
#include "storage/trial_lock.h"

namespace memtrack {

RunningDaemon require_daemon(const ApiClient& client) {
  const ApiReply reply = client.get("/v1/health");
  if (const std::string error = reply.error(); reply.status != 200 && !error.empty()) {
    throw std::runtime_error(fmt::format("what listens on the socket answered {}: {}", reply.status, error));
  }
  if (reply.status != 200 || !reply.body.contains("pid") || !reply.body.contains("database")) {
    throw std::runtime_error(fmt::format("what listens on the socket is no memtrackd: it answered {}", reply.status));
  }
  return {.pid = reply.body.at("pid").get<pid_t>(),
          .version = reply.body.value("version", ""),
          .database = reply.body.at("database").get<std::string>(),
          .queued = reply.body.value("queued", std::int64_t{0}),
          .running = reply.body.value("running", std::int64_t{0}),
          .health = reply.body};
}

std::optional<RunningDaemon> find_running_daemon(const ApiClient& client) {
  try {
    return require_daemon(client);
  } catch (const NoDaemon&) {
    return std::nullopt;  // here its absence is an answer
  }
}

std::string describe(const RunningDaemon& daemon, const std::filesystem::path& socket) {
  return fmt::format("pid {}, socket {}, database {}", daemon.pid, socket.string(), daemon.database);
}

std::optional<DatabaseKeeper> find_keeper(const std::filesystem::path& database) {
  const std::optional<pid_t> pid = supervising_process(database);
  if (!pid) {
    return std::nullopt;
  }
  DatabaseKeeper keeper{.pid = *pid,
                        .process = FileDescriptor(open_lock_holder(daemon_lock_path(database)).value_or(-1))};
  keeper.program = read_proc_file(*pid, "comm");
  keeper.program = keeper.program.substr(0, keeper.program.find('\n'));
  // Asked again: the name is that of the process we hold only if it still is the one that keeps the database.
  if (!keeper.process || has_ended(keeper.process) || supervising_process(database) != pid) {
    throw std::runtime_error(
        fmt::format("who runs the trials of {} has just begun, or ended, or was replaced; look again with 'memtrack "
                    "daemon status'",
                    database.string()));
  }
  return keeper;
}

std::chrono::nanoseconds longest_stop(std::chrono::nanoseconds drain) {
  constexpr std::chrono::seconds kSlack(10);
  return longest_end(drain) + kSlack;
}

}  // namespace memtrack
