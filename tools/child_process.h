#pragma once

// Programs that we start: by posix_spawn, with every signal as it was when we began.

#include <sys/types.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
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

// What a program said that was given `input` on its standard input and was waited for.
struct ProgramAnswer {
  int exit_code = 0;  // as a shell says it
  std::string output;
  std::string errors;
};

// A program of the PATH, no shell in between. nullopt: there is none of that name. Throws std::runtime_error where it
// cannot be started.
std::optional<ProgramAnswer> run_to_end(const std::string& program, const std::vector<std::string>& arguments,
                                        std::string_view input);

// As a shell says it: the exit code, or 128 + signal.
int shell_exit_code(int wait_status);

}  // namespace memtrack
