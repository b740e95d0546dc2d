#include "daemon/database_guard.h"

#include <fmt/format.h>

#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "storage/database.h"
#include "storage/file_descriptor.h"
#include "storage/paths.h"
#include "storage/shortage.h"

namespace memtrack {
namespace {

bool is_held_by_living(const std::filesystem::path& path) {
  const std::optional<int> holder = open_lock_holder(path);
  return holder && static_cast<bool>(FileDescriptor(*holder));
}

}  // namespace

TrialLock guard_database(const std::filesystem::path& database) {
  const std::filesystem::path path = daemon_lock_path(database);
  std::optional<TrialLock> lock;
  try {
    make_folders(path.parent_path());
    lock = TrialLock::try_acquire(path);
  } catch (const std::system_error& error) {
    throw StorageError(fmt::format("{}; name another database with --db or MEMTRACK_DB", error.what()),
                       is_shortage(error.code().value()));
  }
  // Whoever only looks whether the lock is held, holds it for a moment himself.
  for (int attempt = 0; !lock && attempt < 1000 && !is_held_by_living(path); ++attempt) {
    std::this_thread::yield();
    lock = TrialLock::try_acquire(path);
  }
  if (!lock) {
    const std::optional<LockOwner> owner = read_lock_owner(path);
    throw StorageError(fmt::format("the trials of {} are run already, by process {}; stop it first ('memtrack "
                                   "daemon stop'), or name another database with --db",
                                   database.string(), owner ? std::to_string(owner->pid) : "unknown"),
                       false);
  }
  try {
    lock->write_owner();
  } catch (const std::system_error&) {
    // The lock holds on a full disk too; whoever is refused will not be told our pid.
  }
  return std::move(*lock);
}

std::optional<pid_t> supervising_process(const std::filesystem::path& database) {
  const std::filesystem::path path = daemon_lock_path(database);
  if (!is_lock_held(path)) {
    return std::nullopt;
  }
  const std::optional<LockOwner> owner = read_lock_owner(path);
  return owner ? owner->pid : 0;
}

}  // namespace memtrack
