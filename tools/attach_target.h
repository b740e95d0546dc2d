#pragma once

// The process that `memtrack attach` is to measure.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace memtrack {

struct AttachTarget {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  // tells it from a later owner of the pid
  std::string name = {};          // the kernel's: at most 15 bytes
  std::vector<std::string> command = {};
  std::string cwd = {};
};

// Who asks.
struct Attacher {
  pid_t pid = 0;
  uid_t uid = 0;
};

// Why process `pid` cannot be measured, from its /proc/PID/status: one sentence. Empty: it can.
std::string attach_problem(pid_t pid, std::string_view status, const Attacher& attacher);

// Throws UsageError with such a sentence. `proc`: /proc, or a tree that looks like it.
AttachTarget find_attach_target(pid_t pid, const Attacher& attacher, const std::filesystem::path& proc = "/proc");

}  // namespace memtrack
