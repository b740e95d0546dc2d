#pragma once

// A user's folders of a test's own, and a real memtrackd in them.

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/client.h"
#include "tests/temporary_directory.h"
#include "tests/wait_until.h"

namespace memtrack::testing {

std::string read_file(const std::filesystem::path& path);

// A variable of this process's environment, for the programs that it starts meanwhile.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name), before_(getenv(name) ? getenv(name) : "") {
    setenv(name, value.c_str(), 1);
  }
  ~Variable() { setenv(name_, before_.c_str(), 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::string before_;
};

// XDG_RUNTIME_DIR of this process points into the folder as long as it lives.
class Workplace {
 public:
  Workplace();
  ~Workplace();  // ends what still runs of the trials in the database
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  std::filesystem::path database() const { return folder_ / "memtrack.db"; }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
  const std::filesystem::path& path() const { return folder_.path(); }

  // One value; empty: NULL, no row, or no database yet.
  std::string sql(const std::string& query) const;
  // Processes that have this trial's uid in their environment, without its collector.
  std::size_t processes_of_trial(std::int64_t trial_id) const;
  pid_t collector_pid(std::int64_t trial_id) const;
  void make_file(const std::string& name) const;

 private:
  TemporaryDirectory folder_;
};

class Daemon {
 public:
  // Started, and ready to answer. `before`: what a shell does in the workplace's folder before it becomes the daemon.
  explicit Daemon(const Workplace& place, const std::string& before = "");
  ~Daemon();  // ended and waited for
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  pid_t pid() const { return pid_; }
  ApiClient client() const;
  std::string log() const { return read_file(log_); }

  // The request for a sweep that runs `commands`, one shell command a trial, in the workplace's folder.
  ApiReply submit(const std::vector<std::string>& commands, const std::map<std::string, std::string>& environment = {});
  // Sends the signal and waits for the end; the exit code, or 128 + signal.
  int end(int signal);

 private:
  const Workplace& place_;
  std::filesystem::path log_;
  pid_t pid_ = -1;
};

// Starts memtrackd with these arguments and waits for its end.
struct EndedDaemon {
  int exit_code = -1;
  std::string output;  // stdout and stderr
};
EndedDaemon run_memtrackd(const Workplace& place, const std::vector<std::string>& arguments);

// A sweep file of method list, one shell command a trial.
std::string sweep_of_commands(const std::vector<std::string>& commands);

}  // namespace memtrack::testing
