#pragma once

// The daemon that a user means: it answers on its socket, or at least keeps its database.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/client.h"
#include "storage/file_descriptor.h"

namespace memtrack {

struct RunningDaemon {
  pid_t pid = 0;
  std::string version;
  std::string database;
  std::int64_t queued = 0;
  std::int64_t running = 0;
  nlohmann::json health;  // as it said it
};

// nullopt: nothing listens there. Throws std::runtime_error with what was answered where that is no health of ours.
std::optional<RunningDaemon> find_running_daemon(const ApiClient& client);

// The same; throws NoDaemon where nothing listens.
RunningDaemon require_daemon(const ApiClient& client);

// "pid 12, socket /run/memtrack/memtrackd.sock, database /var/lib/memtrack/memtrack.db".
std::string describe(const RunningDaemon& daemon, const std::filesystem::path& socket);

// Who runs the trials of a database, whether it answers or not. `process` was held before its lock was looked at.
struct DatabaseKeeper {
  pid_t pid = 0;
  std::string program = {};  // "memtrackd"; "memtrack" of a `memtrack sweep --local`
  FileDescriptor process;
};

// nullopt: nobody. Throws std::runtime_error where who it is cannot be told now.
std::optional<DatabaseKeeper> find_keeper(const std::filesystem::path& database);

// How long a daemon that was sent SIGTERM is waited for: as long as it takes at most, and somewhat longer.
std::chrono::nanoseconds longest_stop(std::chrono::nanoseconds drain);

}  // namespace memtrack
