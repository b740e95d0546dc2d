#pragma once

// Inside storage/ only: another database, to be read beside our own.

#include <filesystem>
#include <optional>
#include <string>

#include "storage/database.h"
#include "storage/new_file.h"

namespace memtrack {

class MergeSource {
 public:
  // Throws StorageError where it is no memtrack database of a version that we know, whole.
  explicit MergeSource(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return database_.path(); }

  // What ATTACH takes to read it. An older version is copied beside `target`, and the copy brought up to date.
  std::string attachable(const std::filesystem::path& target);

 private:
  Database database_;  // held open while it is read, so that its companions go in the end
  int version_;
  std::optional<NewFile> copy_;  // never finished: gone with us
};

}  // namespace memtrack
