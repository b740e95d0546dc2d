#include "storage/paths.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

#include "storage/sql_history.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;

// The value of an environment variable; empty where it is unset.
std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path home_directory() {
  if (const std::string home = environment("HOME"); !home.empty()) {
    return home;
  }
  if (const passwd* entry = getpwuid(getuid()); entry != nullptr) {
    return entry->pw_dir;
  }
  throw std::runtime_error("cannot tell the home directory: HOME is not set; set it, or name the database with --db");
}

fs::path state_directory() {
  if (const std::string state = environment("XDG_STATE_HOME"); !state.empty()) {
    return fs::path(state) / "memtrack";
  }
  return geteuid() == 0 ? fs::path("/var/lib/memtrack") : home_directory() / ".local/state/memtrack";
}

// Makes `path` with mode 0700 where it is missing, and insists that it is ours alone.
void make_private_directory(const fs::path& path) {
  make_folders(path.parent_path());
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    throw std::system_error(errno, std::generic_category(), "cannot make the folder " + path.string());
  }
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    throw std::runtime_error(fmt::format("cannot look at {}: {}", path.string(), std::strerror(errno)));
  }
  if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 0077) != 0) {
    throw std::runtime_error(
        fmt::format("{} must be a folder of user {} alone (mode 0700); remove it or set XDG_RUNTIME_DIR", path.string(),
                    geteuid()));
  }
}

// A uid becomes part of a path: it must not lead elsewhere.
std::string_view checked_uid(std::string_view uid) {
  constexpr std::size_t kMostBytes = 64;
  const auto is_harmless = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  };
  if (uid.empty() || uid.size() > kMostBytes || !std::all_of(uid.begin(), uid.end(), is_harmless)) {
    throw std::runtime_error(
        fmt::format("'{}' is no uid of a trial: letters, digits, '-' and '_', 1 to {} of them", uid, kMostBytes));
  }
  return uid;
}

// memtrack.db -> memtrack.<ending>, in the same folder. Of other names nothing is left out: runs.1 and runs.2 share
// nothing.
fs::path beside(const fs::path& database, std::string_view ending) {
  const fs::path name = database.extension() == ".db" ? database.stem() : database.filename();
  return database.parent_path() / fmt::format("{}.{}", name.string(), ending);
}

}  // namespace

void make_folders(const fs::path& path) {
  if (path.empty() || fs::is_directory(path)) {
    return;
  }
  if (path.has_relative_path()) {
    make_folders(path.parent_path());
  }
  if (mkdir(path.c_str(), 0700) != 0 && (errno != EEXIST || !fs::is_directory(path))) {
    throw std::system_error(errno, std::generic_category(), "cannot make the folder " + path.string());
  }
}

fs::path database_path(std::string_view flag) {
  if (!flag.empty()) {
    return fs::absolute(flag).lexically_normal();
  }
  if (const std::string named = environment("MEMTRACK_DB"); !named.empty()) {
    return fs::absolute(named).lexically_normal();
  }
  return state_directory() / "memtrack.db";
}

fs::path sql_history_path() {
  return state_directory() / "sql_history";
}

fs::path choose_runtime_directory(const std::string& xdg_runtime_dir, uid_t user, const fs::path& run) {
  const bool of_session = xdg_runtime_dir.empty() || xdg_runtime_dir == (run / "user" / std::to_string(user)).string();
  if (fs::path of_service = run / fmt::format("memtrack-{}", user); of_session && fs::is_directory(of_service)) {
    return of_service;
  }
  if (!xdg_runtime_dir.empty()) {
    return fs::path(xdg_runtime_dir) / "memtrack";
  }
  return user == 0 ? run / "memtrack" : fs::path(fmt::format("/tmp/memtrack-{}", user));
}

fs::path runtime_directory() {
  fs::path path = choose_runtime_directory(environment("XDG_RUNTIME_DIR"), geteuid(), "/run");
  try {
    make_private_directory(path);
  } catch (const std::system_error& error) {
    throw NoRuntimeDirectory(
        fmt::format("{}; it holds sockets and locks, and where it is a login session's it comes "
                    "back with the next login ('loginctl enable-linger' keeps it), else set "
                    "XDG_RUNTIME_DIR to a folder of yours",
                    error.what()));
  }
  return path;
}

const fs::path& checked_socket_path(const fs::path& path) {
  if (const std::size_t length = path.native().size(); length > kMaxSocketPath) {
    throw std::runtime_error(
        fmt::format("the socket path {} has {} bytes, and the system takes at most {}; set "
                    "XDG_RUNTIME_DIR to a shorter folder",
                    path.string(), length, kMaxSocketPath));
  }
  return path;
}

fs::path daemon_socket_path(std::string_view flag) {
  if (!flag.empty()) {
    return checked_socket_path(fs::absolute(flag));
  }
  if (const std::string named = environment("MEMTRACK_SOCKET"); !named.empty()) {
    return checked_socket_path(fs::absolute(named));
  }
  return checked_socket_path(runtime_directory() / "memtrackd.sock");
}

fs::path trial_lock_path(std::string_view trial_uid) {
  return runtime_directory() / fmt::format("{}.lock", checked_uid(trial_uid));
}

fs::path event_socket_path(std::string_view trial_uid) {
  return checked_socket_path(runtime_directory() / fmt::format("{}.ev", checked_uid(trial_uid)));
}

std::string trial_cgroup_name(std::string_view trial_uid) {
  return fmt::format("memtrack-{}", checked_uid(trial_uid));
}

fs::path trial_log_path(const fs::path& database, std::int64_t trial_id) {
  const fs::path folder = beside(database, "logs");
  make_private_directory(folder);
  return folder / fmt::format("{}.log", trial_id);
}

fs::path older_log_path(const fs::path& log) {
  return log.native() + ".older";
}

fs::path private_directory(const fs::path& database) {
  fs::path folder = beside(database, "private");
  make_private_directory(folder);
  return folder;
}

fs::path environment_path(const fs::path& database, std::int64_t sweep_id) {
  return private_directory(database) / fmt::format("{}.environment", sweep_id);
}

fs::path trial_private_path(const fs::path& database, std::int64_t trial_id, std::string_view name) {
  return private_directory(database) / fmt::format("trial-{}.{}", trial_id, name);
}

fs::path daemon_log_path(const fs::path& database) {
  return beside(database, "memtrackd.log");
}

fs::path daemon_lock_path(const fs::path& database) {
  return beside(database, "memtrackd.lock");
}

fs::path sibling_program(std::string_view name) {
  // A program stands in ROOT/bin or ROOT/libexec/memtrack, a test program in ROOT/tests/FOLDER of the build tree.
  const fs::path folder = fs::read_symlink("/proc/self/exe").parent_path();
  std::string looked_at;
  for (const fs::path& root : {folder.parent_path(), folder.parent_path().parent_path()}) {
    for (const char* place : {"bin", "libexec/memtrack"}) {
      fs::path candidate = root / place / name;
      if (access(candidate.c_str(), X_OK) == 0) {
        return candidate;
      }
      looked_at += (looked_at.empty() ? "" : ", ") + candidate.string();
    }
  }
  throw std::runtime_error(fmt::format("cannot find {} (looked at {}); install memtrack again", name, looked_at));
}

}  // namespace memtrack
