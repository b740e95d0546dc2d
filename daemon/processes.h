#pragma once

// Other processes, found in /proc and held by pidfd: a pid alone may have become somebody else's meanwhile.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/file_descriptor.h"
#include "storage/trial_store.h"

namespace memtrack {

// True where `block`, NUL-terminated strings as in /proc/PID/environ and cmdline, holds `entry` as one of them.
bool has_entry(std::string_view block, std::string_view entry);

// From /proc/PID/stat: env_end - env_start, fields 51 and 50. nullopt: there is none yet, within an exec.
std::optional<std::size_t> environment_size(std::string_view stat);

// From /proc/PID/stat: false for what has no environment to wait for, which is a kernel thread, a zombie, and a process
// that sleeps with an empty one: within an exec, where it is empty for a moment too, a process runs or waits for a
// disk.
bool may_be_within_exec(std::string_view stat);

// /proc/PID/NAME. Empty where it cannot be read: there is no such process, or it is somebody else's. Throws as
// open_process() does.
std::string read_proc_file(pid_t pid, const char* name);

// Empty where there is no such process. Throws std::system_error where no descriptor is left, as all that looks at
// processes does.
FileDescriptor open_process(pid_t pid);

// False: it is gone.
bool send_signal(const FileDescriptor& process, int signal);

// True where the process has ended, reaped or not.
bool has_ended(const FileDescriptor& process);

// The living collector of a running trial. By its lock first; else by the pid that it wrote into the database, where
// that process's command line names this trial of this database: it may have been started under another runtime
// directory. Empty: there is none, or it has not written itself down yet.
FileDescriptor open_collector(Database& database, const Trial& trial);

// Ends what a trial's tree left behind and removes its cgroup, look by look, some milliseconds apart: a process may
// start others until it dies.
//
//   for (TreeEnd end(uid, cgroup); !end.look(orphans);) { wait for kBetweenLooks; }
class TreeEnd {
 public:
  static constexpr std::chrono::milliseconds kBetweenLooks{10};

  // `cgroup`: trials.cgroup; empty: it had none. One that does not bear the trial's name is left alone.
  explicit TreeEnd(std::string_view trial_uid, const std::filesystem::path& cgroup = {});

  // Sends SIGKILL to every process in the cgroup and below, to every other that has MEMTRACK_TRIAL=uid in its
  // environment, and to `orphans` (our own unreaped children, so that their pids are theirs). True: nobody is left, or
  // the last ones have not died in half a minute. A process within an exec shows no environment, or half of one: it is
  // looked at again, for some seconds.
  bool look(std::span<const pid_t> orphans);

  std::size_t killed() const { return killed_.size(); }
  bool has_given_up() const { return given_up_; }

 private:
  using Clock = std::chrono::steady_clock;

  std::vector<pid_t> members() const;  // of the cgroup and those below it

  std::string entry_;
  std::filesystem::path cgroup_;
  std::set<pid_t> killed_;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_found_ = begin_;
  int empty_looks_ = 0;
  bool given_up_ = false;
};

// All looks, waiting in between. Returns how many were killed.
std::size_t end_tree(const Trial& trial);

// "exited with code 1", "was killed by signal 9 (Killed)", from a wait status.
std::string describe_wait_status(int status);

}  // namespace memtrack
