#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "storage/file_descriptor.h"

namespace memtrack {

// The command's output as a file. Never fails: what the disk does not take is discarded and counted. Of output beyond
// the cap the oldest is: when the file holds half the cap it becomes the older file (older_log_path), and the one that
// was this before is gone. What is missing is said where it is missing:
//
//   [memtrack: 4096 bytes of output are missing here]
//   [memtrack: before this, 67108864 bytes were printed; the last 64 MiB at most are kept, in two files]
class TrialLog {
 public:
  // An empty path, or no cap: everything is discarded.
  TrialLog(std::filesystem::path path, std::int64_t cap_bytes);

  void write(std::string_view output);
  // Output that was discarded before it came here.
  void skip(std::int64_t bytes);

  // Of output; our own lines are left out.
  std::int64_t bytes() const { return file_bytes_ + older_bytes_; }
  std::int64_t discarded_bytes() const { return discarded_bytes_; }

 private:
  bool open_file();
  bool rotate();
  void write_to_file(std::string_view output);

  std::filesystem::path path_;
  std::int64_t cap_bytes_;
  FileDescriptor file_;
  std::int64_t file_bytes_ = 0;
  std::int64_t older_bytes_ = 0;
  std::int64_t discarded_bytes_ = 0;
  std::int64_t missing_bytes_ = 0;  // discarded, and not said in the file yet
};

}  // namespace memtrack
