#pragma once

// Programs that we start: by posix_spawn, with every signal as it was when we began.

#include <sys/types.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace memtrack {

struct ChildOptions {
  std::filesystem::path program;
  std::vector<std::string> arguments;  // without the program's name
  // A close-on-exec descriptor that the child gets all the same, under the same number.
  std::optional<int> hand_down = {};
  // In a session of its own, in the root folder, standard input at its end, output appended to `log`, nothing else
  // open. Otherwise the child has all that our own starter left open for us.
  bool in_background = false;
  std::filesystem::path log = {};
  // Signals that are blocked in the child; none, where not said.
  sigset_t signal_mask = {};
};

// Throws std::runtime_error where the program cannot be started.
pid_t start_child(const ChildOptions& options);

// As a shell says it: the exit code, or 128 + signal.
int shell_exit_code(int wait_status);

}  // namespace memtrack
