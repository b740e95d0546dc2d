#pragma once

// The environment of a sweep's commands, as its submitter had it: beside the database, mode 0600, never shown.

#include <filesystem>
#include <map>
#include <string>

namespace memtrack {

// NAME=value, each with a NUL behind it. On disk when it returns, as the rows of the trials will be that need it.
void write_environment_file(const std::filesystem::path& path, const std::map<std::string, std::string>& environment);

// Empty where there is no such file.
std::map<std::string, std::string> read_environment_file(const std::filesystem::path& path);

}  // namespace memtrack
