#pragma once

// A cgroup of its own for each trial: what the kernel charges to it, its exact peak, its processes, a limit, and an end
// for all of them.
//
//   auto made = make_trial_cgroup("memtrack-" + uid);
//   if (auto* cgroup = std::get_if<TrialCgroup>(&made)) { ... } else { std::get<NoCgroup>(made).reason }
//
// v1: a group below the collector's own one in the memory hierarchy.
// v2: as root in /sys/fs/cgroup/memtrack, else below the collector's own group where that is ours to divide. A group of
// v2 that has controllers for those below it may hold no processes: where ours holds none but memtrack's own, these
// move to a leaf of it, memtrack.self.

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "collector/cgroup_file.h"
#include "storage/file_descriptor.h"
#include "storage/sample.h"

namespace memtrack {

// Whether a process may join, which the rights of other folders decide too: one does, and ends. 0, or errno.
int try_to_join_cgroup(int descriptor);

// Where groups are made. A folder can stand in for the kernel's, with functions that fill and move as the kernel does.
struct CgroupPlace {
  std::filesystem::path root = "/sys/fs/cgroup";
  std::filesystem::path proc = "/proc";
  bool as_root = geteuid() == 0;
  int (*make_folder)(const char* path, mode_t mode) = mkdir;
  int (*remove_folder)(const char* path) = rmdir;
  int (*write_file)(const std::filesystem::path& path, std::string_view text) = write_cgroup_file;
  int (*try_to_join)(int descriptor) = try_to_join_cgroup;
};

class TrialCgroup {
 public:
  // Takes over a group that is there, and locks it: it is nobody else's while this lives. `shared_parent`: removed with
  // it where nobody else is in it; may be empty. Throws std::system_error where another holds it, where it has no
  // memory controller, and where it cannot be joined.
  TrialCgroup(std::filesystem::path path, int version, const CgroupPlace& place,
              std::filesystem::path shared_parent = {});
  // Ends what is left in it and removes it.
  ~TrialCgroup();
  TrialCgroup(TrialCgroup&& other) noexcept;
  TrialCgroup& operator=(TrialCgroup&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  int version() const { return version_; }

  // cgroup.procs, open for writing: the process that writes "0" into it joins.
  int join_descriptor() const { return join_.get(); }

  // Its processes, zombies left out; without those of groups that the trial may have made below.
  std::vector<pid_t> processes() const;
  // What is charged to it now: anonymous memory, page cache and kernel memory.
  Reading current_bytes() const;
  // The most that ever was; since Linux 5.19 on v2.
  Reading peak_bytes() const;
  Reading oom_kills() const;

  // Beyond it the kernel ends a process; swap is no way out. Throws std::runtime_error, also where the machine has swap
  // that cannot be limited.
  void set_limit(std::int64_t bytes) const;

  // SIGKILL to all in it and below, until nobody is left. False: some do not die.
  bool kill_all() const;

 private:
  void remove() const;

  std::filesystem::path path_;  // empty: moved from
  int version_;
  CgroupPlace place_;
  std::filesystem::path shared_parent_;
  FileDescriptor folder_;
  FileDescriptor join_;
  FileDescriptor list_;
  FileDescriptor current_;  // held open, since opening costs more than reading
};

// Why there is none, and what helps: one sentence.
struct NoCgroup {
  std::string reason;
  bool lacks_only_limit = false;  // there is one, but none with a limit
};

// A group of that name; one that a dead collector left behind is emptied and made anew. That of a living one is in the
// way: the same trial may run for a copy of its database.
std::variant<TrialCgroup, NoCgroup> make_trial_cgroup(const std::string& name, const CgroupPlace& place = {});

// nullopt: a trial gets a cgroup here, with a limit.
std::optional<NoCgroup> check_cgroups(const CgroupPlace& place = {});

}  // namespace memtrack
