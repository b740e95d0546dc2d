#include "collector/cgroup_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace memtrack {
namespace {

// The kernel fills a page with whole lines: a read that leaves more room than one takes was the last.
constexpr std::size_t kLongestLine = 256;

}  // namespace

std::optional<std::string> read_cgroup_file(const FileDescriptor& file) {
  if (!file) {
    return std::nullopt;
  }
  std::string text;
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t count = pread(file.get(), piece.data(), piece.size(), static_cast<off_t>(text.size()));
    if (count < 0) {
      return std::nullopt;
    }
    text.append(piece.data(), static_cast<std::size_t>(count));
    if (static_cast<std::size_t>(count) < piece.size() - kLongestLine) {
      return text;
    }
  }
}

std::optional<std::string> read_cgroup_file(const std::filesystem::path& path) {
  return read_cgroup_file(FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC)));
}

std::optional<std::string> read_cgroup_file(const FileDescriptor& folder, const char* name) {
  return read_cgroup_file(FileDescriptor(openat(folder.get(), name, O_RDONLY | O_CLOEXEC)));
}

int write_cgroup_file(const std::filesystem::path& path, std::string_view text) {
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
}

}  // namespace memtrack
