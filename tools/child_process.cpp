#include "tools/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "storage/file_descriptor.h"

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

// A pointer to each word, and a null pointer behind them.
std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void fail_to_start(const std::string& program, int error) {
  throw std::runtime_error(fmt::format("cannot start {}: {}", program, std::strerror(error)));
}

// A file without a name, in memory: whoever writes into it never waits for a reader.
FileDescriptor make_spool(const std::string& program) {
  FileDescriptor spool(memfd_create("memtrack", MFD_CLOEXEC));
  if (!spool) fail_to_start(program, errno);
  return spool;
}

void fill_spool(const std::string& program, const FileDescriptor& spool, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(spool.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_to_start(program, errno);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (lseek(spool.get(), 0, SEEK_SET) < 0) fail_to_start(program, errno);
}

std::string text_in(const FileDescriptor& spool) {
  std::string text;
  std::array<char, 65536> buffer;
  for (off_t at = 0;;) {
    const ssize_t count = pread(spool.get(), buffer.data(), buffer.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    at += count;
  }
}

int wait_for_end(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return shell_exit_code(status);
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

  std::vector<std::string> words = options.arguments;
  words.insert(words.begin(), options.program.string());

  pid_t pid = 0;
  if (const int error = posix_spawn(&pid, options.program.c_str(), actions.get(), attributes.get(),
                                    pointers_to(words).data(), environ)) {
    fail_to_start(options.program.string(), error);
  }
  return pid;
}

std::optional<ProgramAnswer> run_to_end(const std::string& program, const std::vector<std::string>& arguments,
                                        std::string_view input) {
  const FileDescriptor in = make_spool(program), out = make_spool(program), errors = make_spool(program);
  fill_spool(program, in, input);
  FileActions actions;
  posix_spawn_file_actions_adddup2(actions.get(), in.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(actions.get(), out.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(actions.get(), errors.get(), STDERR_FILENO);

  std::vector<std::string> words = arguments;
  words.insert(words.begin(), program);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, program.c_str(), actions.get(), nullptr, pointers_to(words).data(), environ);
  if (error == ENOENT) return std::nullopt;
  if (error != 0) fail_to_start(program, error);
  const int exit_code = wait_for_end(pid);
  return ProgramAnswer{.exit_code = exit_code, .output = text_in(out), .errors = text_in(errors)};
}

int shell_exit_code(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace memtrack
