#include "datasets/part_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "datasets/download.h"

namespace memtrack {
namespace {

namespace fs = std::filesystem;

bool is_out_of_room(int error) {
  return error == ENOSPC || error == EDQUOT;
}

std::string free_text(const fs::path& folder) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0) return "";
  return fmt::format("{} are free", status.f_bavail * status.f_frsize);
}

// What the holder wrote; empty where it has not come to it yet.
std::string holder_text(int descriptor) {
  std::array<char, 32> text{};
  const ssize_t count = ::pread(descriptor, text.data(), text.size(), 0);
  return count > 0 ? fmt::format(" (process {})", std::string(text.data(), static_cast<std::size_t>(count))) : "";
}

}  // namespace

PartFile::PartFile(fs::path target) : target_(std::move(target)), path_(target_.string() + ".part") {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0 && is_out_of_room(errno)) fail_full({});
  if (descriptor_ < 0) fail("cannot be opened for writing", errno);
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw DownloadError(fmt::format("{}: is not a regular file; remove it and run the command again", path_.string()));
  }
  bytes_ = status.st_size;
}

PartFile::~PartFile() {
  ::close(descriptor_);
}

void PartFile::reserve(std::int64_t total_bytes) {
  if (total_bytes <= bytes_) return;
  // Where the file system cannot reserve, a full disk shows itself in writing.
  if (::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, bytes_, total_bytes - bytes_) != 0 && is_out_of_room(errno)) {
    fail_full(total_bytes);
  }
}

void PartFile::append(std::span<const std::uint8_t> bytes, std::optional<std::int64_t> total_bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && is_out_of_room(errno)) fail_full(total_bytes);
    if (count < 0) fail("cannot be written", errno);
    bytes_ += count;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void PartFile::start_over() {
  if (::ftruncate(descriptor_, 0) != 0) fail("cannot be emptied", errno);
  bytes_ = 0;
}

void PartFile::commit() {
  // Frees what was reserved beyond the end.
  if (::ftruncate(descriptor_, bytes_) != 0 || ::fsync(descriptor_) != 0) fail("cannot be written to the disk", errno);
  if (::rename(path_.c_str(), target_.c_str()) != 0) fail("cannot get its final name", errno);
  const int folder = ::open(target_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool is_synced = folder >= 0 && ::fsync(folder) == 0;
  const int error = errno;
  if (folder >= 0) ::close(folder);
  if (!is_synced && error != EINVAL) fail("its name cannot be written to the disk", error);
}

void PartFile::fail(const char* what, int error) const {
  throw DownloadError(fmt::format("{}: {}: {}", path_.string(), what, std::strerror(error)));
}

void PartFile::fail_full(std::optional<std::int64_t> total_bytes) const {
  const std::string folder = target_.parent_path().string();
  const std::string needed =
      total_bytes ? fmt::format("{} bytes more", *total_bytes - bytes_) : fmt::format("more than its {} bytes", bytes_);
  const std::string room = free_text(target_.parent_path());
  throw DownloadError(
      fmt::format("{}: no room on the disk: {} needs {}{}; make room, or name another folder with "
                  "MEMTRACK_DATA_DIR, and run the command again: it goes on where it stopped",
                  folder, target_.filename().string(), needed, room.empty() ? "" : ", " + room));
}

FolderLock::FolderLock(const fs::path& folder) {
  const fs::path path = folder / ".download.lock";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    throw DownloadError(fmt::format("{}: cannot be opened for writing: {}", path.string(), std::strerror(errno)));
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const std::string holder = holder_text(descriptor_);
    ::close(descriptor_);
    if (error != EWOULDBLOCK) {
      throw DownloadError(fmt::format("{}: cannot be locked: {}", path.string(), std::strerror(error)));
    }
    throw DownloadError(
        fmt::format("{}: another download{} is at work in this folder; run the command again when it "
                    "has ended",
                    folder.string(), holder));
  }
  const std::string own = std::to_string(::getpid());
  // Only what is said of us: the lock holds without it, also on a full disk.
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, own.data(), own.size(), 0) < 0) errno = 0;
}

FolderLock::~FolderLock() {
  ::close(descriptor_);
}

}  // namespace memtrack
