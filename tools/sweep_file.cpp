#include "tools/sweep_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "tools/exit_codes.h"

namespace memtrack {

std::string read_sweep_file(const std::string& file) {
  if (file == "-") {
    return {std::istreambuf_iterator<char>(std::cin), {}};
  }
  if (std::filesystem::is_directory(file)) {
    throw UsageError(fmt::format("cannot read the sweep file {}: it is a folder", file));
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    throw UsageError(fmt::format("cannot read the sweep file {}: {}", file, std::strerror(errno)));
  }
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::pair<std::string, std::string>> parse_set_options(const std::vector<std::string>& entries) {
  std::vector<std::pair<std::string, std::string>> fixed;
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError(fmt::format("--set {} is no name=value; an example: --set epochs=1", entry));
    }
    fixed.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return fixed;
}

}  // namespace memtrack
