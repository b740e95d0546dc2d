#pragma once

// The flock that says that a trial has a living collector. The starter takes it before the fork and hands the
// descriptor over; the kernel lets go of it when the last holder ends, however it ends. The file holds the collector's
// pid and start time. A bare pid proves nothing: open a pidfd first, then see that the lock is still held.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>

namespace memtrack {

class TrialLock {
 public:
  // Creates the file where missing and takes the lock. nullopt: someone holds it.
  static std::optional<TrialLock> try_acquire(const std::filesystem::path& path);
  // Takes over a descriptor that a starter handed down, and makes it close-on-exec.
  static TrialLock adopt(int descriptor);

  TrialLock(TrialLock&& other) noexcept;
  TrialLock& operator=(TrialLock&& other) noexcept;
  ~TrialLock();  // lets go, where nobody else has the descriptor

  int descriptor() const { return descriptor_; }
  // Writes the calling process's pid and start time into the file.
  void write_owner() const;
  // Where the file at `path` is the one that is locked. While the lock is held: whoever opened it before finds it free
  // once we are gone, whoever comes later finds no file; both are right.
  void remove_file(const std::filesystem::path& path) const;

 private:
  explicit TrialLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

struct LockOwner {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat
};

// The three below throw std::system_error where too few descriptors are left to look.

// True where some process holds the lock; false also where there is no such file.
bool is_lock_held(const std::filesystem::path& path);

// Who wrote itself into the file; nullopt: nobody has yet. Says nothing of whether it lives.
std::optional<LockOwner> read_lock_owner(const std::filesystem::path& path);

// A pidfd of the living holder: opened first, then the lock and the start time looked at. nullopt: no living holder, or
// it has not written itself down yet. The caller closes it.
std::optional<int> open_lock_holder(const std::filesystem::path& path);

}  // namespace memtrack
