#include "daemon/cgroup_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "storage/file_descriptor.h"
#include "storage/paths.h"

namespace memtrack {

std::string why_no_cgroup() {
  std::string program = sibling_program("memtrack-collector").string();
  std::string option = "--check-cgroup";
  const std::array<char*, 3> arguments = {program.data(), option.data(), nullptr};
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  const FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, writer.get(), STDOUT_FILENO);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw std::runtime_error(fmt::format("cannot start {}: {}", program, std::strerror(error)));
  }
  writer.reset();
  std::string said;
  std::array<char, 1024> piece{};
  for (ssize_t count = 0; (count = read(reader.get(), piece.data(), piece.size())) > 0;) {
    said.append(piece.data(), static_cast<std::size_t>(count));
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    return "";
  }
  const std::string reason = said.substr(0, said.find('\n'));
  return reason.empty() ? fmt::format("{} --check-cgroup failed without a word", program) : reason;
}

}  // namespace memtrack
