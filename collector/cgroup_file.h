#pragma once

// Files of a cgroup, read and written whole.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace memtrack {

// nullopt: not there, or not to be read.
std::optional<std::string> read_cgroup_file(const std::filesystem::path& path);

// 0, or errno. Never makes a file.
int write_cgroup_file(const std::filesystem::path& path, std::string_view text);

}  // namespace memtrack
