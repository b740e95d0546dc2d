#pragma once

// Files for readers that take paths.

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/fuzz/fuzz.h"
#include "tests/temporary_directory.h"

namespace memtrack::testing {

// The folder of this process, which it has to itself.
inline const TemporaryDirectory& input_folder() {
  static const TemporaryDirectory folder;
  return folder;
}

inline std::filesystem::path write_input(const std::string& name, std::string_view contents) {
  std::filesystem::path path = input_folder() / name;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << contents;
  require(file.flush().good(), "an input can be written to a file");
  return path;
}

}  // namespace memtrack::testing
