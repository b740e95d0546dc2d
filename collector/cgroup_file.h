#pragma once

// Files of a cgroup, read and written whole.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "storage/file_descriptor.h"

namespace memtrack {

// nullopt: not there, or not to be read.
std::optional<std::string> read_cgroup_file(const std::filesystem::path& path);
// The same of a file that stays open.
std::optional<std::string> read_cgroup_file(const FileDescriptor& file);
// The same of a file in an open folder, which spares the walk along the path.
std::optional<std::string> read_cgroup_file(const FileDescriptor& folder, const char* name);

// 0, or errno. Never makes a file.
int write_cgroup_file(const std::filesystem::path& path, std::string_view text);

}  // namespace memtrack
