#pragma once

// Starts the measured command, as its parent.

#include <sys/resource.h>
#include <sys/types.h>

#include <csignal>
#include <string>
#include <variant>
#include <vector>

namespace memtrack {

// What a command gets back of what we changed for ourselves.
struct OwnSettings {
  sigset_t signal_mask{};
  rlimit open_files{};
};

struct CommandSpec {
  std::vector<std::string> arguments;    // the first is the program, looked for on the PATH of `environment`
  std::vector<std::string> environment;  // NAME=value
  std::string directory = {};
  // In the foreground it has our standard streams, process group, dispositions of signals and whatever else our starter
  // left open. Otherwise: nothing but 0, 1, 2, in a process group of its own, every signal as by default.
  bool in_foreground = false;
  int output = -1;        // standard output and error, where not in the foreground
  int cgroup_procs = -1;  // of the cgroup to start in, open for writing; -1: ours
  OwnSettings to_restore = {};
};

struct StartFailure {
  std::string what;   // "could not start 'x'"
  int error = 0;      // of errno
  int exit_code = 0;  // as env(1) has it: 127 not found, 126 not to be executed; 125 for all else

  std::string reason() const;  // "could not start 'x': No such file or directory"
};

// The command's pid, once its program runs: when we die it gets SIGKILL.
std::variant<pid_t, StartFailure> start_command(const CommandSpec& spec);

// The paths to try for a program: itself where it has a slash, else one a folder of `search_path` ("/usr/bin:/bin").
std::vector<std::string> executable_candidates(const std::string& program, const std::string& search_path);

}  // namespace memtrack
