#pragma once

// Inside daemon/ only: what supervisor and recovery both need to know of a running trial, and how they end one.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "daemon/recovery.h"
#include "storage/database.h"
#include "storage/file_descriptor.h"
#include "storage/trial_store.h"

namespace memtrack {

struct RunningTrial {
  Trial trial;
  Evidence evidence;
  FileDescriptor collector;  // where evidence.collector_lives
};

RunningTrial look_at(Database& database, const Trial& trial);

// nullopt: it is not running (any more).
std::optional<Trial> find_running(Database& database, std::int64_t trial_id);

// Puts a trial that never started back into the queue. nullopt: someone holds its lock, so look again later.
// False: it is not as it was when it was judged.
std::optional<bool> put_back(Database& database, const Trial& trial);

// Removes what a collector that was killed left of a trial that is over, where nobody holds its lock: the lock's file,
// the event socket, what its command was given.
void remove_files(const Trial& trial, const std::filesystem::path& database);

// The same for all trials of the database that are over, as they are found by their locks' files: a collector may have
// been killed between its trial's end and its own, while no daemon watched. Returns for how many.
std::size_t remove_leftovers(Database& database);

// What the row of a lost trial says.
std::string lost_reason(const std::string& collector_end, bool started, std::size_t killed);

}  // namespace memtrack
