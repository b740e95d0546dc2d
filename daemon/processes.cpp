#include "daemon/processes.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <charconv>
#include <csignal>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "storage/paths.h"
#include "storage/query.h"
#include "storage/trial_lock.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

// What was read before the process ended, if it ended meanwhile: reading by iterators would throw then.
std::string read_proc_file(pid_t pid, const char* name) {
  const std::ifstream file(fmt::format("/proc/{}/{}", pid, name), std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<pid_t> parse_pid(const std::string& text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(pid) : std::nullopt;
}

bool is_collector_of(const std::string& command_line, const Trial& trial, const fs::path& database) {
  const std::string wanted = fmt::format("--trial{}{}", '\0', trial.trial_id);
  return command_line.find("memtrack-collector") != std::string::npos &&
         command_line.find('\0' + wanted + '\0') != std::string::npos && has_entry(command_line, database.string());
}

FileDescriptor open_recorded_collector(Database& database, const Trial& trial) {
  const ResultTable found =
      query(database, "SELECT collector_pid FROM trials WHERE trial_id = ?1", {Value(trial.trial_id)});
  const auto* pid = found.rows.empty() ? nullptr : std::get_if<std::int64_t>(&found.rows[0][0]);
  if (pid == nullptr) {
    return {};
  }
  FileDescriptor process = open_process(static_cast<pid_t>(*pid));
  // The command line is read after the pidfd was opened: had the pid changed hands in between, it is not a collector's.
  if (process && !has_ended(process) &&
      is_collector_of(read_proc_file(static_cast<pid_t>(*pid), "cmdline"), trial, database.path())) {
    return process;
  }
  return {};
}

}  // namespace

bool has_entry(std::string_view block, std::string_view entry) {
  while (!block.empty()) {
    const std::size_t length = std::min(block.find('\0'), block.size());
    if (block.substr(0, length) == entry) {
      return true;
    }
    block.remove_prefix(std::min(length + 1, block.size()));
  }
  return false;
}

FileDescriptor open_process(pid_t pid) {
  return FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

bool send_signal(const FileDescriptor& process, int signal) {
  return syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0;
}

bool has_ended(const FileDescriptor& process) {
  pollfd entry{.fd = process.get(), .events = POLLIN, .revents = 0};
  return poll(&entry, 1, 0) == 1;
}

FileDescriptor open_collector(Database& database, const Trial& trial) {
  if (const std::optional<int> holder = open_lock_holder(trial_lock_path(trial.uid))) {
    return FileDescriptor(*holder);
  }
  return open_recorded_collector(database, trial);
}

std::vector<FileDescriptor> kill_what_is_left(std::string_view uid, std::span<const pid_t> strays) {
  std::vector<FileDescriptor> killed;
  const auto kill_if = [&](pid_t pid, const auto& is_meant) {
    FileDescriptor process = open_process(pid);
    if (process && is_meant() && send_signal(process, SIGKILL)) {
      killed.push_back(std::move(process));
    }
  };
  for (const pid_t stray : strays) {
    kill_if(stray, [] { return true; });
  }
  const std::string entry = fmt::format("MEMTRACK_TRIAL={}", uid);
  for (const auto& folder : fs::directory_iterator("/proc")) {
    const std::optional<pid_t> pid = parse_pid(folder.path().filename().string());
    if (!pid || *pid == getpid()) {
      continue;
    }
    const auto is_of_trial = [&] { return has_entry(read_proc_file(*pid, "environ"), entry); };
    if (is_of_trial()) {
      kill_if(*pid, is_of_trial);
    }
  }
  return killed;
}

std::string describe_wait_status(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  }
  return fmt::format("exited with code {}", WEXITSTATUS(status));
}

}  // namespace memtrack
