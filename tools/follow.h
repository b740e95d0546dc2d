#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

namespace memtrack {

// Writes the file to standard output as it is. A file that is not there is empty.
void print_file(const std::filesystem::path& path);

// The same, and what is appended from then on, until `goes_on` says no; what came before that is still printed. Where
// the file is rotated, the one that takes its place is followed.
void follow_file(const std::filesystem::path& path, const std::function<bool()>& goes_on);

// The last `lines` lines of a file, for a message.
std::string last_lines(const std::filesystem::path& path, std::size_t lines);

}  // namespace memtrack
