#pragma once

// The environment of a sweep's commands, as its submitter had it: beside the database, mode 0600, never shown.
//
//   A=1\0B=x=y\0      NAME=value, each with a NUL behind it

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace memtrack {

using Environment = std::map<std::string, std::string>;

// An entry without a name or without '=' is left out.
Environment parse_environment(const std::string& text);

// On disk when it returns, as the rows of the trials will be that need it.
void write_environment_file(const std::filesystem::path& path, const Environment& environment);

// Why what needs it cannot run, as it does where a database was copied or merged without its environments: never with
// another one, since the figures would stand under what was not run. nullopt: it is there.
std::optional<std::string> missing_environment(const std::filesystem::path& path);

// Throws std::system_error where it cannot be read.
Environment read_environment_file(const std::filesystem::path& path);

}  // namespace memtrack
