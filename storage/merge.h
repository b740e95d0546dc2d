#pragma once

// Takes the trials of other databases into one, by their uids: what is there already is not taken twice. A trial comes
// whole or not at all, with its sweep and host; ids are given anew. What has not ended there is left out, and comes
// when the merge is done again. The other databases are only read; one of an older version is brought up to date in a
// private copy.
//
//   check_merge_source(path, other);  // of all, before anything is written
//   Database database = Database::open_for_writing(path);
//   MergeCount count = merge_database(database, other);

#include <cstdint>
#include <filesystem>
#include <functional>

#include "storage/database.h"

namespace memtrack {

struct MergeCount {
  std::int64_t trials = 0;
  std::int64_t samples = 0;
  std::int64_t known_trials = 0;       // were there already
  std::int64_t unfinished_trials = 0;  // queued or running there
};

// Throws StorageError where `source` cannot be merged into `target`, which need not be there yet: it is missing, the
// same file, of another program, newer, or lacks a part of what its version has.
void check_merge_source(const std::filesystem::path& target, const std::filesystem::path& source);

// Safe while others write to `target`: short transactions, of whole trials. What `on_progress` throws ends it between
// two trials. After a StorageError (a full disk) the trials merged so far are there; the same call takes the rest.
MergeCount merge_database(Database& target, const std::filesystem::path& source,
                          const std::function<void(std::int64_t done, std::int64_t all)>& on_progress = {});

}  // namespace memtrack
