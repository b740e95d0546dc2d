#pragma once

// A file that others see whole or not at all: it is written beside its place, and gets its name when all of it is on
// the disk. What stood there before stays until then, also where writing fails.

#include <sys/types.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>

namespace memtrack {

class NewFile {
 public:
  // Throws StorageError where something stands at `path` that may not be replaced: anything at all unless
  // `may_replace`, and what is no regular file in any case. `mode`: as in open(2).
  NewFile(std::filesystem::path path, bool may_replace, mode_t mode = 0666);
  ~NewFile();  // removes what was not finished
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Where it is written meanwhile, in the same folder.
  const std::filesystem::path& partial_path() const { return partial_path_; }

  void write(std::string_view text);  // throws StorageError, transient where the disk is full
  void finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  [[noreturn]] void fail(int error_number) const;

  std::filesystem::path path_;
  std::filesystem::path partial_path_;
  bool may_replace_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace memtrack
