#pragma once

// One supervisor a database: a flock on daemon_lock_path(), held by memtrackd or `memtrack sweep --local`, pid inside.

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "storage/trial_lock.h"

namespace memtrack {

// Throws std::runtime_error with the pid of the one who supervises it already. Held as long as the result lives.
TrialLock guard_database(const std::filesystem::path& database);

// The process that supervises the database; nullopt: none does. 0: one does that has not written itself down yet.
std::optional<pid_t> supervising_process(const std::filesystem::path& database);

}  // namespace memtrack
