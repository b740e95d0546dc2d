#pragma once

// Other processes, found in /proc and held by pidfd: a pid alone may have become somebody else's meanwhile.

#include <sys/types.h>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/file_descriptor.h"
#include "storage/trial_store.h"

namespace memtrack {

// True where `block`, NUL-terminated strings as in /proc/PID/environ and cmdline, holds `entry` as one of them.
bool has_entry(std::string_view block, std::string_view entry);

// Empty where there is no such process.
FileDescriptor open_process(pid_t pid);

// False: it is gone.
bool send_signal(const FileDescriptor& process, int signal);

// True where the process has ended, reaped or not.
bool has_ended(const FileDescriptor& process);

// The living collector of a running trial. By its lock first; else by the pid that it wrote into the database, where
// that process's command line names this trial of this database: it may have been started under another runtime
// directory. Empty: there is none, or it has not written itself down yet.
FileDescriptor open_collector(Database& database, const Trial& trial);

// Sends SIGKILL to every process that has MEMTRACK_TRIAL=`uid` in its environment, and to `strays` (our own unreaped
// children, so that their pids are theirs). Returns those that it was sent to: call it until there are none, since a
// process may start others until it dies.
std::vector<FileDescriptor> kill_what_is_left(std::string_view uid, std::span<const pid_t> strays);

// "exited with code 1", "was killed by signal 9 (Killed)", from a wait status.
std::string describe_wait_status(int status);

}  // namespace memtrack
