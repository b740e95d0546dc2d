#pragma once

// A daemon that answers.

#include <sys/types.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/client.h"

namespace memtrack {

struct RunningDaemon {
  pid_t pid = 0;
  std::string version;
  std::string database;
  std::int64_t queued = 0;
  std::int64_t running = 0;
  nlohmann::json health;  // as it said it
};

// nullopt: nothing listens there. Throws where something listens that gives no answer of ours.
std::optional<RunningDaemon> find_running_daemon(const ApiClient& client);

// The same; throws NoDaemon where nothing listens.
RunningDaemon require_daemon(const ApiClient& client);

// "pid 12, socket /run/memtrack/memtrackd.sock, database /var/lib/memtrack/memtrack.db".
std::string describe(const RunningDaemon& daemon, const std::filesystem::path& socket);

}  // namespace memtrack
