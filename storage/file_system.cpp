#include "storage/file_system.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "storage/database.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

struct KnownFileSystem {
  std::uint32_t magic;
  std::string_view name;
};

// statfs(2), linux/magic.h and the file systems' own sources.
constexpr std::array kNetworkFileSystems = {
    KnownFileSystem{0x6969, "NFS"},      KnownFileSystem{0x517B, "SMB"},      KnownFileSystem{0xFF534D42, "CIFS"},
    KnownFileSystem{0xFE534D42, "SMB2"}, KnownFileSystem{0x5346414F, "AFS"},  KnownFileSystem{0x6B414653, "AFS"},
    KnownFileSystem{0x01021997, "9P"},   KnownFileSystem{0x00C36400, "Ceph"}, KnownFileSystem{0x0BD00BD0, "Lustre"},
    KnownFileSystem{0x47504653, "GPFS"}, KnownFileSystem{0x73757245, "Coda"}, KnownFileSystem{0x19830326, "BeeGFS"},
    KnownFileSystem{0x564C, "NCP"},      KnownFileSystem{0x01161970, "GFS2"}, KnownFileSystem{0x20030528, "OrangeFS"}};

// All of FUSE has one magic; some of it is local (ntfs-3g, overlays).
constexpr std::uint32_t kFuseMagic = 0x65735546;
constexpr std::array<std::string_view, 16> kNetworkFuses = {
    "sshfs",  "s3fs", "gcsfuse",   "rclone",   "glusterfs", "ceph-fuse", "ceph", "davfs",
    "davfs2", "mfs",  "curlftpfs", "smbnetfs", "juicefs",   "goofys",    "afp",  "mount-s3"};

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": the third word and the one behind " - ".
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

}  // namespace

std::optional<std::string> network_name(const FileSystem& file_system) {
  if (file_system.magic == kFuseMagic) {
    std::string_view program = file_system.mount_type;
    constexpr std::string_view kPrefix = "fuse.";
    program.remove_prefix(program.starts_with(kPrefix) ? kPrefix.size() : 0);
    const bool is_known = std::find(kNetworkFuses.begin(), kNetworkFuses.end(), program) != kNetworkFuses.end();
    return is_known ? std::optional(fmt::format("FUSE {}", program)) : std::nullopt;
  }
  const auto known = std::find_if(kNetworkFileSystems.begin(), kNetworkFileSystems.end(),
                                  [&](const KnownFileSystem& entry) { return entry.magic == file_system.magic; });
  return known == kNetworkFileSystems.end() ? std::nullopt : std::optional(std::string(known->name));
}

std::string find_mount_type(std::string_view mountinfo, dev_t device) {
  const std::string number = fmt::format("{}:{}", major(device), minor(device));
  while (!mountinfo.empty()) {
    const std::size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    const std::vector<std::string_view> words = words_of(mountinfo.substr(0, end));
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() > 2 && words[2] == number && words.end() - dash > 1) {
      return std::string(dash[1]);
    }
  }
  return "";
}

std::optional<FileSystem> file_system_of(fs::path path) {
  struct statfs status {};
  while (statfs(path.empty() ? "." : path.c_str(), &status) != 0) {
    if (path.empty() || path == path.parent_path()) {
      return std::nullopt;
    }
    path = path.parent_path();
  }
  FileSystem found{.magic = static_cast<std::uint32_t>(status.f_type),
                   .free_bytes = static_cast<std::int64_t>(status.f_bavail) * status.f_bsize};
  struct stat file {};
  if (stat(path.empty() ? "." : path.c_str(), &file) == 0) {
    std::ifstream mountinfo("/proc/self/mountinfo");
    found.mount_type = find_mount_type(std::string(std::istreambuf_iterator<char>(mountinfo), {}), file.st_dev);
  }
  return found;
}

std::string writing_problem(const fs::path& path) {
  fs::path existing = path;
  std::error_code error;
  while (!fs::exists(existing, error) && existing != existing.parent_path()) {
    existing = existing.parent_path();
  }
  const bool is_folder = fs::is_directory(existing, error);
  if (!is_folder && existing != path) {
    return fmt::format("{} cannot be made: {} is no folder", path.string(), existing.string());
  }
  if (is_folder && existing == path) {
    return fmt::format("{} is a folder", path.string());
  }
  // The database's folder is written to as well: the log of what is not merged yet lies beside it.
  const fs::path folder = is_folder ? existing : existing.parent_path();
  for (const fs::path& needed : {existing, folder}) {
    if (access(needed.c_str(), W_OK) != 0) {
      const std::string reason = fmt::format("{} cannot be written: {}", needed.string(), std::strerror(errno));
      return folder == path.parent_path() ? reason : fmt::format("{} cannot be made: {}", path.string(), reason);
    }
  }
  return "";
}

void refuse_network(const fs::path& database, const FileSystem& found) {
  if (const auto name = network_name(found)) {
    throw StorageError(
        fmt::format("cannot write {}: it lies on {}, a network file system, where SQLite's locks do not hold; name a "
                    "local file on each machine with --db or MEMTRACK_DB, and bring their trials together with "
                    "'memtrack merge'",
                    database.string(), *name),
        false);
  }
}

}  // namespace memtrack
