#include "tools/running_daemon.h"

#include <fmt/format.h>

namespace memtrack {

RunningDaemon require_daemon(const ApiClient& client) {
  const ApiReply reply = client.get("/v1/health");
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

}  // namespace memtrack
