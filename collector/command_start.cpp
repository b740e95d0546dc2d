#include "collector/command_start.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "storage/file_descriptor.h"

namespace memtrack {
namespace {

constexpr const char* kDefaultSearchPath = "/usr/local/bin:/usr/bin:/bin";
constexpr int kFirstOtherDescriptor = 3;

enum class Step : int { prepare, join_cgroup, enter_directory, execute };

struct ChildError {
  Step step = Step::prepare;
  int error = 0;
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) {
    pointers.push_back(text.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

std::string search_path_of(const std::vector<std::string>& environment) {
  for (const std::string& entry : environment) {
    if (entry.starts_with("PATH=")) {
      return entry.substr(std::string_view("PATH=").size());
    }
  }
  return kDefaultSearchPath;
}

// All that the child needs, made before the fork: between fork and exec it may neither allocate nor lock.
struct PreparedCommand {
  explicit PreparedCommand(const CommandSpec& command)
      : spec(command),
        arguments(command.arguments),
        environment(command.environment),
        candidates(executable_candidates(command.arguments.at(0), search_path_of(command.environment))),
        argument_pointers(pointers_to(arguments)),
        environment_pointers(pointers_to(environment)),
        candidate_pointers(pointers_to(candidates)),
        shell_pointers(argument_pointers) {
    shell_pointers.insert(shell_pointers.begin(), shell.data());
  }

  const CommandSpec& spec;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::vector<std::string> candidates;
  std::string shell = "/bin/sh";
  std::vector<char*> argument_pointers;
  std::vector<char*> environment_pointers;
  std::vector<char*> candidate_pointers;
  std::vector<char*> shell_pointers;  // /bin/sh CANDIDATE ARGUMENTS...
};

[[noreturn]] void report_and_exit(int report, Step step) {
  const ChildError failure{.step = step, .error = errno};
  [[maybe_unused]] const ssize_t written = write(report, &failure, sizeof failure);
  _exit(127);
}

void close_all_but_standard_at_exec() {
  if (close_range(kFirstOtherDescriptor, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
    return;
  }
  rlimit limit{};  // before Linux 5.11
  getrlimit(RLIMIT_NOFILE, &limit);
  for (int descriptor = kFirstOtherDescriptor; descriptor < static_cast<int>(limit.rlim_cur); ++descriptor) {
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  }
}

void become_background(const CommandSpec& spec, int report) {
  setpgid(0, 0);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(spec.output, STDOUT_FILENO) < 0 ||
      dup2(spec.output, STDERR_FILENO) < 0) {
    report_and_exit(report, Step::prepare);
  }
  close_all_but_standard_at_exec();
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    std::signal(signal, SIG_DFL);
  }
}

// As execvp does it: the first candidate that can be executed; a text without "#!" is one for the shell.
void execute(PreparedCommand& command) {
  int error = ENOENT;
  for (char* const candidate : command.candidate_pointers) {
    if (candidate == nullptr) {
      break;
    }
    execve(candidate, command.argument_pointers.data(), command.environment_pointers.data());
    if (errno == ENOEXEC) {
      command.shell_pointers[1] = candidate;
      execve(command.shell.c_str(), command.shell_pointers.data(), command.environment_pointers.data());
    }
    if (errno == EACCES) {
      error = EACCES;
    } else if (errno != ENOENT && errno != ENOTDIR) {
      return;
    }
  }
  errno = error;
}

[[noreturn]] void run_child(PreparedCommand& command, pid_t parent, int report) {
  const CommandSpec& spec = command.spec;
  // The parent may have died before the request was made.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
    report_and_exit(report, Step::prepare);
  }
  if (spec.cgroup_procs >= 0 && write(spec.cgroup_procs, "0", 1) != 1) {
    report_and_exit(report, Step::join_cgroup);
  }
  if (!spec.in_foreground) {
    become_background(spec, report);
  }
  setrlimit(RLIMIT_NOFILE, &spec.to_restore.open_files);
  if (chdir(spec.directory.c_str()) != 0) {
    report_and_exit(report, Step::enter_directory);
  }
  sigprocmask(SIG_SETMASK, &spec.to_restore.signal_mask, nullptr);
  execute(command);
  report_and_exit(report, Step::execute);
}

StartFailure describe(const ChildError& failure, const CommandSpec& spec) {
  const std::string& program = spec.arguments.front();
  switch (failure.step) {
    case Step::execute:
      return {"could not start '" + program + "'", failure.error, failure.error == ENOENT ? 127 : 126};
    case Step::enter_directory:
      return {"could not enter the folder '" + spec.directory + "'", failure.error, 125};
    case Step::join_cgroup:
      return {"could not start '" + program + "' in a cgroup of its own", failure.error, 125};
    case Step::prepare:
      break;
  }
  return {"could not prepare to start '" + program + "'", failure.error, 125};
}

}  // namespace

std::vector<std::string> executable_candidates(const std::string& program, const std::string& search_path) {
  if (program.empty() || program.find('/') != std::string::npos) {
    return {program};
  }
  std::vector<std::string> candidates;
  for (std::size_t begin = 0; begin <= search_path.size();) {
    const std::size_t end = std::min(search_path.find(':', begin), search_path.size());
    const std::string folder = search_path.substr(begin, end - begin);
    candidates.push_back(folder.empty() ? "./" + program : folder + "/" + program);
    begin = end + 1;
  }
  return candidates;
}

std::string StartFailure::reason() const {
  return error == 0 ? what : what + ": " + std::strerror(error);
}

std::variant<pid_t, StartFailure> start_command(const CommandSpec& spec) {
  if (spec.arguments.empty()) {
    return StartFailure{.what = "there is no command to start", .exit_code = 125};
  }
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a pipe");
  }
  const FileDescriptor report_reader(ends[0]);
  FileDescriptor report_writer(ends[1]);
  PreparedCommand command(spec);
  const pid_t self = getpid();
  const pid_t pid = fork();
  if (pid < 0) {
    throw std::system_error(errno, std::generic_category(), "cannot start a process");
  }
  if (pid == 0) {
    run_child(command, self, report_writer.get());
  }
  report_writer.reset();
  // Ends when the program runs, since exec closes the other end, or with what went wrong.
  ChildError failure;
  ssize_t count = 0;
  do {
    count = read(report_reader.get(), &failure, sizeof failure);
  } while (count < 0 && errno == EINTR);
  if (count != sizeof failure) {
    return pid;
  }
  waitpid(pid, nullptr, 0);
  return describe(failure, spec);
}

}  // namespace memtrack
