#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/temporary_directory.h"

namespace memtrack::testing {

// A file system of its own size, in a mount namespace of this process: nobody else sees it. Temporary folders are on it
// while it lives.
class SmallDisk {
 public:
  // nullptr: this user may not mount anything here.
  static std::unique_ptr<SmallDisk> make(const std::string& size) {
    const uid_t user = geteuid();
    const gid_t group = getegid();
    if (unshare(CLONE_NEWNS) != 0) {
      if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        return nullptr;
      }
      std::ofstream("/proc/self/setgroups") << "deny";
      std::ofstream("/proc/self/uid_map") << user << ' ' << user << " 1";
      std::ofstream("/proc/self/gid_map") << group << ' ' << group << " 1";
    }
    auto disk = std::unique_ptr<SmallDisk>(new SmallDisk);
    const std::string options = "size=" + size;
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", disk->folder_.path().c_str(), "tmpfs", 0, options.c_str()) != 0) {
      return nullptr;
    }
    setenv("TMPDIR", disk->folder_.path().c_str(), 1);
    return disk;
  }
  ~SmallDisk() {
    unsetenv("TMPDIR");
    umount2(folder_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  void fill() {
    const int file = open(filler().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const std::vector<char> block(4096, 'x');
    while (write(file, block.data(), block.size()) > 0) {
    }
    close(file);
  }
  void make_room() { std::filesystem::remove(filler()); }

 private:
  SmallDisk() = default;
  std::filesystem::path filler() const { return folder_ / "filler"; }

  TemporaryDirectory folder_;
};

}  // namespace memtrack::testing
