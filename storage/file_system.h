#pragma once

// What a database lies on. SQLite's write-ahead log needs locks and shared memory that all its users see: those of one
// machine.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace memtrack {

struct FileSystem {
  std::uint32_t magic = 0;      // statfs(2): f_type
  std::string mount_type = {};  // as mountinfo names it, "fuse.sshfs"; empty: not found there
  std::int64_t free_bytes = 0;  // for who is not root
};

// "NFS", "FUSE sshfs". nullopt: none that is known to reach over a network.
std::optional<std::string> network_name(const FileSystem& file_system);

// /proc/self/mountinfo: the type of the mount with this device number. Empty: there is none.
std::string find_mount_type(std::string_view mountinfo, dev_t device);

// Of `path`, or of the nearest folder above it that is there. nullopt: the system does not say.
std::optional<FileSystem> file_system_of(std::filesystem::path path);

// Why no database can be written at `path`, an absolute one: "/srv cannot be written: Permission denied". Empty:
// nothing is known to speak against it.
std::string writing_problem(const std::filesystem::path& path);

// Throws a StorageError that says what to do instead, where `found` reaches over a network. `database`: what is to be
// written there.
void refuse_network(const std::filesystem::path& database, const FileSystem& found);

}  // namespace memtrack
