#pragma once

// A file that the user asked for by name: whole under its name, or not there. What stood there before stays as it was
// until then.

#include <filesystem>
#include <string_view>

namespace memtrack {

// To be asked before the work begins. Throws UsageError where something stands at `path` and `force` is not said, where
// it is no regular file, and where its folder is not there.
void check_output_file(const std::filesystem::path& path, bool force);

// Throws UsageError as above, StorageError where it cannot be written (a full disk).
void write_output_file(const std::filesystem::path& path, std::string_view contents, bool force);

}  // namespace memtrack
