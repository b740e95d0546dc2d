#pragma once

// Inside storage/ only: SQLite's exceptions leave the folder as StorageError, with what was tried and on which file.

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <string_view>
#include <utility>

#include "storage/database.h"

namespace memtrack {

StorageError to_storage_error(const SQLite::Exception& error, std::string_view doing,
                              const std::filesystem::path& path);

// Runs `work`; `doing` reads on from "cannot ": "write the samples of trial 3".
template <typename Work>
auto with_storage_errors(std::string_view doing, const std::filesystem::path& path, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const SQLite::Exception& error) {
    throw to_storage_error(error, doing, path);
  }
}

}  // namespace memtrack
