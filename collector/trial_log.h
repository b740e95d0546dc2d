#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "storage/file_descriptor.h"

namespace memtrack {

// The command's output as a file. Never fails: what is beyond the cap, or what the disk does not take, is discarded and
// counted.
class TrialLog {
 public:
  // An empty path: everything is discarded.
  TrialLog(const std::filesystem::path& path, std::int64_t cap_bytes);

  void write(std::string_view output);

  std::int64_t bytes() const { return bytes_; }
  std::int64_t discarded_bytes() const { return discarded_bytes_; }

 private:
  FileDescriptor file_;
  std::int64_t cap_bytes_;
  std::int64_t bytes_ = 0;
  std::int64_t discarded_bytes_ = 0;
};

}  // namespace memtrack
