#include "storage/trial_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "storage/file_descriptor.h"
#include "storage/proc_stat.h"
#include "storage/shortage.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// Where a descriptor is lacking nothing is known: a lock that could not be looked at must not pass for one that is
// free.
void fail_if_short(const std::string& what) {
  if (is_shortage(errno)) {
    fail(what);
  }
}

// The first bytes of a small file; empty where it is not there, or vanishes meanwhile as files of /proc do.
std::string read_small_file(const fs::path& path) {
  std::string text(4096, '\0');
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    fail_if_short("cannot read " + path.string());
    return "";
  }
  const ssize_t count = read(descriptor, text.data(), text.size());
  close(descriptor);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return text;
}

std::optional<std::uint64_t> process_start_ticks(pid_t pid) {
  return stat_number(read_small_file(fmt::format("/proc/{}/stat", pid)), 22);
}

// True where `descriptor` still is the file that stands under `path`: the last holder may have unlinked it.
bool is_file_at(int descriptor, const fs::path& path) {
  struct stat ours {};
  struct stat theirs {};
  return fstat(descriptor, &ours) == 0 && stat(path.c_str(), &theirs) == 0 && ours.st_dev == theirs.st_dev &&
         ours.st_ino == theirs.st_ino;
}

}  // namespace

std::optional<TrialLock> TrialLock::try_acquire(const fs::path& path) {
  for (;;) {
    TrialLock lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (lock.descriptor_ < 0) {
      fail("cannot open the lock file " + path.string());
    }
    if (flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) {
        return std::nullopt;
      }
      fail("cannot lock " + path.string());
    }
    if (is_file_at(lock.descriptor_, path)) {
      return lock;
    }
  }
}

TrialLock TrialLock::adopt(int descriptor) {
  if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
    fail(fmt::format("descriptor {} is not a lock that was handed down", descriptor));
  }
  return TrialLock(descriptor);
}

TrialLock::TrialLock(TrialLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

TrialLock& TrialLock::operator=(TrialLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

TrialLock::~TrialLock() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

void TrialLock::write_owner() const {
  const std::string text = fmt::format("{} {}\n", getpid(), process_start_ticks(getpid()).value_or(0));
  if (ftruncate(descriptor_, 0) != 0 || pwrite(descriptor_, text.data(), text.size(), 0) < 0) {
    fail("cannot write the owner into the lock file");
  }
}

void TrialLock::remove_file(const fs::path& path) const {
  if (is_file_at(descriptor_, path)) {
    unlink(path.c_str());
  }
}

bool is_lock_held(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    fail_if_short("cannot look at the lock " + path.string());
    return false;
  }
  const bool held = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(descriptor);
  return held;
}

std::optional<LockOwner> read_lock_owner(const fs::path& path) {
  std::istringstream text(read_small_file(path));
  LockOwner owner;
  return text >> owner.pid >> owner.start_ticks ? std::optional(owner) : std::nullopt;
}

std::optional<int> open_lock_holder(const fs::path& path) {
  const std::optional<LockOwner> owner = read_lock_owner(path);
  if (!owner) {
    return std::nullopt;
  }
  FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, owner->pid, 0)));
  if (!process) {
    fail_if_short(fmt::format("cannot look at process {}", owner->pid));
    return std::nullopt;
  }
  const bool holds = is_lock_held(path) && process_start_ticks(owner->pid) == owner->start_ticks;
  return holds ? std::optional(process.release()) : std::nullopt;
}

}  // namespace memtrack
