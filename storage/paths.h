#pragma once

// Where memtrack keeps things. The only place that knows; all names follow from the database's path, the runtime
// directory and a trial's ids.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace memtrack {

// The folder of sockets and locks is not there and cannot be made: that of a login session goes with the last session,
// and comes back with the next.
class NoRuntimeDirectory : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Makes what is missing of `path`, each folder with mode 0700 whatever the umask says: what we keep there tells which
// commands ran. Throws std::system_error.
void make_folders(const std::filesystem::path& path);

// --db beats MEMTRACK_DB beats memtrack.db in the state directory ($XDG_STATE_HOME/memtrack, else /var/lib/memtrack for
// root, else ~/.local/state/memtrack). Absolute. `flag` is what --db said, empty where it was not given.
std::filesystem::path database_path(std::string_view flag);

// Sockets and locks: $XDG_RUNTIME_DIR/memtrack, else /run/memtrack (root), else /tmp/memtrack-UID. But a folder that
// memtrackd@USER was given by the system, /run/memtrack-UID, comes before the folder of a login session: daemon and
// sessions of one user must meet, and a session's folder goes with it. `run` is /run. Makes nothing.
std::filesystem::path choose_runtime_directory(const std::string& xdg_runtime_dir, uid_t user,
                                               const std::filesystem::path& run);

// The folder chosen, created with mode 0700. Throws where it belongs to someone else or is open to others.
std::filesystem::path runtime_directory();

// --socket beats MEMTRACK_SOCKET beats memtrackd.sock in the runtime directory.
// Throws where the path is over the 107 bytes that a unix socket address holds.
std::filesystem::path daemon_socket_path(std::string_view flag);

// Trials are named by their uid here, since several databases share the runtime directory. Throws as above, and where
// the uid, which may come from a database that others wrote, holds anything but letters, digits, '-' and '_'.
std::filesystem::path trial_lock_path(std::string_view trial_uid);
std::filesystem::path event_socket_path(std::string_view trial_uid);

// The folder name of a trial's own cgroup.
std::string trial_cgroup_name(std::string_view trial_uid);

// Throws std::runtime_error with the length and the limit where `path` does not fit a unix socket address (107 bytes).
const std::filesystem::path& checked_socket_path(const std::filesystem::path& path);

// Beside the database: memtrack.db -> memtrack.logs/12.log, memtrack.private/3.environment (folder 0700, file 0600),
// memtrack.private/trial-12.*, memtrack.memtrackd.log, memtrack.memtrackd.lock. The folders are made where missing.
std::filesystem::path trial_log_path(const std::filesystem::path& database, std::int64_t trial_id);
// What a log was before it was rotated: 12.log.older.
std::filesystem::path older_log_path(const std::filesystem::path& log);
std::filesystem::path environment_path(const std::filesystem::path& database, std::int64_t sweep_id);
std::filesystem::path private_directory(const std::filesystem::path& database);
// What a trial's command is given: `name` is "args.json" or "params.yaml".
std::filesystem::path trial_private_path(const std::filesystem::path& database, std::int64_t trial_id,
                                         std::string_view name);
std::filesystem::path daemon_log_path(const std::filesystem::path& database);
std::filesystem::path daemon_lock_path(const std::filesystem::path& database);

// The absolute path of another program of ours ("memtrack", "memtrackd", "memtrack-collector", "memtrack-trainer"),
// relative to the running one: bin/ or libexec/memtrack/, in the installed tree and in the build tree alike.
// Throws std::runtime_error naming the places where it was looked for.
std::filesystem::path sibling_program(std::string_view name);

}  // namespace memtrack
