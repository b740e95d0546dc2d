#include "tools/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace memtrack {
namespace {

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

class Attributes {
 public:
  Attributes() { posix_spawnattr_init(&attributes_); }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  posix_spawnattr_t* get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

void add_background_actions(FileActions& actions, const std::filesystem::path& log) {
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(actions.get(), STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(actions.get(), STDOUT_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(actions.get(), STDERR_FILENO + 1);
  posix_spawn_file_actions_addchdir_np(actions.get(), "/");
}

}  // namespace

pid_t start_child(const ChildOptions& options) {
  FileActions actions;
  if (options.in_background) {
    add_background_actions(actions, options.log);
  }
  if (options.hand_down) {
    // Onto itself: clears close-on-exec in the child alone. Its number is free there, whatever our starter left open.
    posix_spawn_file_actions_adddup2(actions.get(), *options.hand_down, *options.hand_down);
  }

  Attributes attributes;
  const int flags = POSIX_SPAWN_SETSIGMASK | (options.in_background ? POSIX_SPAWN_SETSID : 0);
  posix_spawnattr_setflags(attributes.get(), static_cast<short>(flags));
  posix_spawnattr_setsigmask(attributes.get(), &options.signal_mask);

  std::string program = options.program.string();
  std::vector<std::string> words = options.arguments;
  std::vector<char*> arguments = {program.data()};
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);

  pid_t pid = 0;
  if (const int error =
          posix_spawn(&pid, program.c_str(), actions.get(), attributes.get(), arguments.data(), environ)) {
    throw std::runtime_error(fmt::format("cannot start {}: {}", program, std::strerror(error)));
  }
  return pid;
}

int shell_exit_code(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace memtrack
