#include "daemon/processes.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>
#include <vector>

#include "storage/paths.h"
#include "storage/proc_stat.h"
#include "storage/query.h"
#include "storage/shortage.h"
#include "storage/trial_lock.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

// Where descriptors are used up nothing was seen, which must not pass for nobody's being there.
void fail_if_short(const std::string& what) {
  if (is_shortage(errno)) {
    throw std::system_error(errno, std::generic_category(), what);
  }
}

// nullopt: it cannot be opened. What was read before the process ended, if it ended meanwhile: reading by iterators
// would throw then.
std::optional<std::string> try_read_proc_file(pid_t pid, const char* name) {
  const std::ifstream file(fmt::format("/proc/{}/{}", pid, name), std::ios::binary);
  if (!file.is_open()) {
    fail_if_short(fmt::format("cannot look at process {}", pid));
    return std::nullopt;
  }
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

constexpr auto kPatienceWithKilled = std::chrono::seconds(30);
constexpr auto kPatienceWithUndecided = std::chrono::seconds(5);

enum class Belonging { other, undecided, trial };

Belonging belonging_of(pid_t pid, std::string_view entry) {
  const std::optional<std::string> environment = try_read_proc_file(pid, "environ");
  if (!environment) {
    return Belonging::other;  // not ours to look at, or without memory: a kernel thread, a zombie
  }
  if (has_entry(*environment, entry)) {
    return Belonging::trial;
  }
  const std::string stat = read_proc_file(pid, "stat");
  if (!environment->empty() && environment_size(stat) == environment->size()) {
    return Belonging::other;
  }
  // Cut short, as within an exec, whose memory is changed under our eyes? Then the entry may have been in the rest.
  return may_be_within_exec(stat) ? Belonging::undecided : Belonging::other;
}

std::optional<pid_t> parse_pid(const std::string& text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(pid) : std::nullopt;
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code gone;
  fs::directory_iterator entry(folder, gone);
  if (gone && is_shortage(gone.value())) {
    throw std::system_error(gone, "cannot look into " + folder.string());
  }
  for (const fs::directory_iterator end; entry != end; entry.increment(gone)) {
    if (entry->is_directory(gone)) {
      folders.push_back(entry->path());
    }
  }
  return folders;
}

// Of a cgroup and those below it.
std::vector<pid_t> processes_in(const fs::path& cgroup) {
  std::vector<pid_t> pids;
  std::ifstream list(cgroup / "cgroup.procs");
  if (!list.is_open()) {
    fail_if_short("cannot look into " + cgroup.string());
  }
  for (pid_t pid = 0; list >> pid;) {
    pids.push_back(pid);
  }
  for (const fs::path& folder : folders_in(cgroup)) {
    const std::vector<pid_t> more = processes_in(folder);
    pids.insert(pids.end(), more.begin(), more.end());
  }
  return pids;
}

// The folder of a cgroup goes though it holds files. False: it is still there.
bool remove_cgroup(const fs::path& cgroup) {
  for (const fs::path& folder : folders_in(cgroup)) {
    remove_cgroup(folder);
  }
  const bool is_gone = rmdir(cgroup.c_str()) == 0 || errno == ENOENT;
  // At the top of v2 all trials' groups are in one of ours, which goes with the last of them.
  if (is_gone && cgroup.parent_path().filename() == "memtrack") {
    rmdir(cgroup.parent_path().c_str());
  }
  return is_gone;
}

// Without ourselves.
std::vector<pid_t> all_processes() {
  std::vector<pid_t> pids;
  for (const auto& folder : fs::directory_iterator("/proc")) {
    const std::optional<pid_t> pid = parse_pid(folder.path().filename().string());
    if (pid && *pid != getpid()) {
      pids.push_back(*pid);
    }
  }
  return pids;
}

// Whatever the runtime folder that the file is in: the trial may run for the database that ours is a copy of.
bool holds_lock_of(pid_t pid, const Trial& trial) {
  const fs::path lock = trial_lock_path(trial.uid).filename();
  std::error_code gone;
  fs::directory_iterator entry(fmt::format("/proc/{}/fd", pid), gone);
  for (const fs::directory_iterator end; !gone && entry != end; entry.increment(gone)) {
    std::error_code closed;  // meanwhile
    if (fs::read_symlink(entry->path(), closed).filename() == lock) return true;
  }
  return false;
}

bool is_collector_of(pid_t pid, const Trial& trial, const fs::path& database) {
  const std::string command_line = read_proc_file(pid, "cmdline");
  const std::string wanted = fmt::format("--trial{}{}", '\0', trial.trial_id);
  return command_line.find("memtrack-collector") != std::string::npos &&
         command_line.find('\0' + wanted + '\0') != std::string::npos &&
         (has_entry(command_line, database.string()) || holds_lock_of(pid, trial));
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
  if (process && !has_ended(process) && is_collector_of(static_cast<pid_t>(*pid), trial, database.path())) {
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

std::optional<std::size_t> environment_size(std::string_view stat) {
  const auto begin = stat_number(stat, 50);
  const auto end = stat_number(stat, 51);
  return begin && end && *begin != 0 && *begin <= *end ? std::optional<std::size_t>(*end - *begin) : std::nullopt;
}

bool may_be_within_exec(std::string_view stat) {
  constexpr std::uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD of the kernel's sched.h
  const std::string_view state = stat_field(stat, 3);
  const auto flags = stat_number(stat, 9);
  if (!flags || state == "Z" || state == "X" || (*flags & kKernelThread) != 0) {
    return false;
  }
  return environment_size(stat) != std::size_t{0} || state == "R" || state == "D";
}

std::string read_proc_file(pid_t pid, const char* name) {
  return try_read_proc_file(pid, name).value_or("");
}

FileDescriptor open_process(pid_t pid) {
  FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) {
    fail_if_short(fmt::format("cannot look at process {}", pid));
  }
  return process;
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

TreeEnd::TreeEnd(std::string_view trial_uid, const fs::path& cgroup)
    : entry_(fmt::format("MEMTRACK_TRIAL={}", trial_uid)),
      cgroup_(cgroup.filename() == trial_cgroup_name(trial_uid) ? cgroup : fs::path()) {}

// Without a cgroup there is no folder to look into: an empty path would be that of the folder we are in.
std::vector<pid_t> TreeEnd::members() const {
  return cgroup_.empty() ? std::vector<pid_t>() : processes_in(cgroup_);
}

bool TreeEnd::look(std::span<const pid_t> orphans) {
  std::size_t found = 0;
  bool undecided = false;
  const auto kill_one = [&](pid_t pid, const FileDescriptor& process) {
    if (process && send_signal(process, SIGKILL)) {
      ++found;
      killed_.insert(pid);
    }
  };
  for (const pid_t pid : members()) {
    const FileDescriptor process = open_process(pid);
    // Looked at again: the pid may have changed hands before the pidfd was opened.
    const std::vector<pid_t> still = members();
    if (std::find(still.begin(), still.end(), pid) != still.end()) {
      kill_one(pid, process);
    }
  }
  for (const pid_t orphan : orphans) {
    kill_one(orphan, open_process(orphan));
  }
  for (const pid_t pid : all_processes()) {
    Belonging belonging = belonging_of(pid, entry_);
    if (belonging == Belonging::trial) {
      const FileDescriptor process = open_process(pid);
      // Looked at again: the pid may have changed hands before the pidfd was opened.
      belonging = belonging_of(pid, entry_);
      if (belonging == Belonging::trial) {
        kill_one(pid, process);
      }
    }
    undecided = undecided || belonging == Belonging::undecided;
  }
  const Clock::time_point now = Clock::now();
  last_found_ = found > 0 ? now : last_found_;
  empty_looks_ = found > 0 ? 0 : empty_looks_ + 1;
  given_up_ = found > 0 && now - begin_ > kPatienceWithKilled;
  const bool is_over = empty_looks_ >= 2 && (!undecided || now - last_found_ > kPatienceWithUndecided);
  return given_up_ ||
         (is_over && (cgroup_.empty() || remove_cgroup(cgroup_) || now - last_found_ > kPatienceWithKilled));
}

std::size_t end_tree(const Trial& trial) {
  TreeEnd end(trial.uid, trial.cgroup);
  while (!end.look({})) {
    poll(nullptr, 0, static_cast<int>(TreeEnd::kBetweenLooks.count()));
  }
  return end.killed();
}

std::string describe_wait_status(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  }
  return fmt::format("exited with code {}", WEXITSTATUS(status));
}

}  // namespace memtrack
