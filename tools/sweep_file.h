#pragma once

// A sweep file as a command names it on its command line.

#include <string>
#include <utility>
#include <vector>

namespace memtrack {

// The file's text; "-": standard input. Throws UsageError where it cannot be read.
std::string read_sweep_file(const std::string& file);

// Each "name=value" of --set. Throws UsageError.
std::vector<std::pair<std::string, std::string>> parse_set_options(const std::vector<std::string>& entries);

}  // namespace memtrack
