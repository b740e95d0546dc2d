#pragma once

// A file that is being downloaded: NAME.part beside where it belongs, until its contents were found right. What a break
// leaves there is continued by the next download.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

namespace memtrack {

class PartFile {
 public:
  // Opens or makes `target`.part. Throws DownloadError, as all others here.
  explicit PartFile(std::filesystem::path target);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::int64_t bytes() const { return bytes_; }

  // Asks the file system for room up to `total_bytes`, so that a disk that is too small is found before it is full.
  void reserve(std::int64_t total_bytes);
  // `total_bytes`: of the whole file where it is known, for what is said of a full disk.
  void append(std::span<const std::uint8_t> bytes, std::optional<std::int64_t> total_bytes);
  void start_over();

  // Gives the file its name. It and its name are on the disk then.
  void commit();

 private:
  [[noreturn]] void fail(const char* what, int error) const;
  [[noreturn]] void fail_full(std::optional<std::int64_t> total_bytes) const;

  std::filesystem::path target_;
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::int64_t bytes_ = 0;
};

// Held by the one who downloads into a folder (flock on FOLDER/.download.lock, the process's number inside). The kernel
// lets go of it when the process ends, however it ends.
class FolderLock {
 public:
  // Throws DownloadError naming the other process where the folder is locked.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace memtrack
