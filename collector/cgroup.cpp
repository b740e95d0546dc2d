#include "collector/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "collector/cgroup_file.h"
#include "collector/cgroup_parent.h"
#include "collector/cgroup_text.h"

extern "C" {
#include <sys/pidfd.h>  // lacks its own extern "C" in glibc 2.36
}

namespace memtrack {
namespace fs = std::filesystem;
namespace {

constexpr const char* kProcesses = "cgroup.procs";

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatienceWithKilled(5);
constexpr std::chrono::seconds kPatienceWithRemoval(1);
constexpr int kMillisecondsBetweenLooks = 1;
// Another collector may remove the group that is shared, empty just now, before ours is in it.
constexpr int kTries = 5;
constexpr std::int64_t kTriedLimitBytes = std::int64_t{1} << 30;

// Where each version keeps a figure.
struct FileNames {
  const char* current;
  const char* peak;
  const char* oom;
  const char* limit;
  const char* swap_limit;  // v1: of memory and swap together
};
constexpr FileNames kFiles[] = {
    {.current = "memory.usage_in_bytes",
     .peak = "memory.max_usage_in_bytes",
     .oom = "memory.oom_control",
     .limit = "memory.limit_in_bytes",
     .swap_limit = "memory.memsw.limit_in_bytes"},
    {.current = "memory.current",
     .peak = "memory.peak",
     .oom = "memory.events",
     .limit = "memory.max",
     .swap_limit = "memory.swap.max"},
};
const FileNames& files_of(int version) {
  return kFiles[version - 1];
}

[[noreturn]] void fail(const char* doing, const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), fmt::format("cannot {} {}", doing, path.string()));
}

FileDescriptor open_file(const fs::path& path, int flags) {
  FileDescriptor file(open(path.c_str(), flags | O_CLOEXEC));
  if (!file) {
    fail("open", path);
  }
  return file;
}

// The folder of a group, locked while it is open: the kernel lets go when its collector ends, however it ends.
FileDescriptor open_locked(const fs::path& group) {
  FileDescriptor folder = open_file(group, O_RDONLY | O_DIRECTORY);
  if (flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
    fail(errno == EWOULDBLOCK ? "take over the cgroup of a living collector," : "lock", group);
  }
  return folder;
}

std::vector<fs::path> groups_below(const fs::path& group) {
  std::vector<fs::path> folders;
  std::error_code ignored;
  for (fs::directory_iterator entry(group, ignored), end; entry != end; entry.increment(ignored)) {
    if (entry->is_directory(ignored)) {
      folders.push_back(entry->path());
    }
  }
  return folders;
}

std::vector<pid_t> members(const fs::path& group) {
  return parse_cgroup_procs(read_cgroup_file(group / kProcesses).value_or(""));
}

std::vector<pid_t> members_of_all(const fs::path& group) {
  std::vector<pid_t> pids = members(group);
  for (const fs::path& folder : groups_below(group)) {
    const std::vector<pid_t> more = members_of_all(folder);
    pids.insert(pids.end(), more.begin(), more.end());
  }
  return pids;
}

void kill_members(const fs::path& group, const std::vector<pid_t>& pids) {
  std::vector<std::pair<pid_t, FileDescriptor>> processes;
  for (const pid_t pid : pids) {
    processes.emplace_back(pid, FileDescriptor(pidfd_open(pid, 0)));
  }
  // Looked at again after the opening: the descriptor is of the process that has the pid now.
  const std::vector<pid_t> still = members_of_all(group);
  for (const auto& [pid, process] : processes) {
    if (process && pid != getpid() && std::find(still.begin(), still.end(), pid) != still.end()) {
      pidfd_send_signal(process.get(), SIGKILL, nullptr, 0);
    }
  }
}

bool remove_with_groups_below(const fs::path& group, const CgroupPlace& place) {
  for (const fs::path& folder : groups_below(group)) {
    remove_with_groups_below(folder, place);
  }
  return place.remove_folder(group.c_str()) == 0 || errno == ENOENT;
}

// Empties and removes a group of this name that is there. nullopt: done; else what is in the way.
std::optional<std::string> remove_leftover(const fs::path& path, int version, const CgroupPlace& place) {
  try {
    const TrialCgroup leftover(path, version, place);
    return leftover.kill_all() ? std::nullopt
                               : std::optional(fmt::format("the processes of {} cannot be ended", path.string()));
  } catch (const std::system_error& error) {
    return error.what();
  }
}

// nullopt: made. Else what is in the way.
std::optional<std::string> make_below(const CgroupParent& parent, const fs::path& path, const CgroupPlace& place) {
  for (int tries = 0; tries < kTries; ++tries) {
    if (auto obstacle = prepare_parent(parent, place)) {
      return obstacle;
    }
    if (place.make_folder(path.c_str(), 0755) == 0) {
      return std::nullopt;
    }
    const int error = errno;
    if (error == EEXIST) {
      if (auto obstacle = remove_leftover(path, parent.version, place)) {
        return obstacle;
      }
    } else if (error != ENOENT || !parent.is_ours) {
      return fmt::format("cannot make {}: {}", path.string(), std::strerror(error));
    }
  }
  return fmt::format("cannot make {}: others remove it again and again", path.string());
}

std::string cannot_join(const fs::path& group, int error) {
  return fmt::format("no process can join {}: {}", group.string(), std::strerror(error));
}

std::string remedy(int version, const CgroupPlace& place) {
  if (version == 2) {
    return place.as_root ? "start memtrack in a cgroup of its own, as in: systemd-run --scope -p Delegate=yes memtrack "
                           "run -- COMMAND"
                         : "start memtrack where the cgroup is yours, as in: systemd-run --user --scope -p "
                           "Delegate=yes memtrack run -- COMMAND, or run it as root";
  }
  return version == 1 ? "run memtrack as root, or in a memory cgroup whose folder and cgroup.procs are yours"
                      : "mount cgroup2 on /sys/fs/cgroup with the memory controller, or start the kernel with "
                        "cgroup_enable=memory";
}

}  // namespace

int try_to_join_cgroup(int descriptor) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(write(descriptor, "0", 1) == 1 ? 0 : errno);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) {
    return errno;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

TrialCgroup::TrialCgroup(fs::path path, int version, const CgroupPlace& place, fs::path shared_parent)
    : path_(std::move(path)),
      version_(version),
      place_(place),
      shared_parent_(std::move(shared_parent)),
      folder_(open_locked(path_)),
      join_(open_file(path_ / kProcesses, O_WRONLY)),
      list_(open_file(path_ / kProcesses, O_RDONLY)),
      current_(open_file(path_ / files_of(version).current, O_RDONLY)) {}

TrialCgroup::TrialCgroup(TrialCgroup&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      version_(other.version_),
      place_(other.place_),
      shared_parent_(std::move(other.shared_parent_)),
      folder_(std::move(other.folder_)),
      join_(std::move(other.join_)),
      list_(std::move(other.list_)),
      current_(std::move(other.current_)) {}

TrialCgroup::~TrialCgroup() {
  if (!path_.empty()) {
    kill_all();
    remove();
  }
}

void TrialCgroup::remove() const {
  const auto give_up = Clock::now() + kPatienceWithRemoval;
  while (!remove_with_groups_below(path_, place_) && Clock::now() < give_up) {
    poll(nullptr, 0, kMillisecondsBetweenLooks);
  }
  if (!shared_parent_.empty()) {
    place_.remove_folder(shared_parent_.c_str());  // not while somebody else's is in it
  }
}

std::vector<pid_t> TrialCgroup::processes() const {
  // On v1 a list that was read less than a second ago is shown again on a descriptor that stays open.
  const auto text = version_ == 1 ? read_cgroup_file(folder_, kProcesses) : read_cgroup_file(list_);
  return parse_cgroup_procs(text.value_or(""));
}

Reading TrialCgroup::current_bytes() const {
  std::array<char, 32> text;
  const ssize_t count = pread(current_.get(), text.data(), text.size(), 0);
  return count > 0 ? parse_cgroup_figure({text.data(), static_cast<std::size_t>(count)}) : std::nullopt;
}

Reading TrialCgroup::peak_bytes() const {
  return parse_cgroup_figure(read_cgroup_file(path_ / files_of(version_).peak).value_or(""));
}

Reading TrialCgroup::oom_kills() const {
  return parse_oom_kills(read_cgroup_file(path_ / files_of(version_).oom).value_or(""));
}

void TrialCgroup::set_limit(std::int64_t bytes) const {
  const FileNames& files = files_of(version_);
  const auto set = [&](const char* name, std::int64_t value) {
    if (const int error = place_.write_file(path_ / name, std::to_string(value)); error != 0) {
      throw std::runtime_error(fmt::format("cannot limit the trial's memory to {} bytes: {}: {}", bytes,
                                           (path_ / name).string(), std::strerror(error)));
    }
  };
  const bool can_limit_swap = fs::exists(path_ / files.swap_limit);
  if (!can_limit_swap && has_swap(read_cgroup_file(place_.proc / "swaps").value_or(""))) {
    throw std::runtime_error(
        fmt::format("cannot limit the trial's memory: {} is not there, and beyond a limit the trial would be swapped "
                    "out and go on; turn swap off (swapoff -a), or start the kernel with swapaccount=1",
                    (path_ / files.swap_limit).string()));
  }
  set(files.limit, bytes);
  if (can_limit_swap) {
    set(files.swap_limit, version_ == 1 ? bytes : 0);
  }
}

bool TrialCgroup::kill_all() const {
  const auto give_up = Clock::now() + kPatienceWithKilled;
  for (;;) {
    const std::vector<pid_t> left = members_of_all(path_);
    if (left.empty()) {
      return true;
    }
    if (Clock::now() >= give_up) {
      return false;
    }
    // The kernel's own way, of v2 since Linux 5.14, misses nobody.
    if (place_.write_file(path_ / "cgroup.kill", "1") != 0) {
      kill_members(path_, left);
    }
    poll(nullptr, 0, kMillisecondsBetweenLooks);
  }
}

std::variant<TrialCgroup, NoCgroup> make_trial_cgroup(const std::string& name, const CgroupPlace& place) {
  const int version = memory_cgroup_version(place);
  std::string obstacles;
  for (const CgroupParent& parent : version == 0 ? std::vector<CgroupParent>() : cgroup_parents(version, place)) {
    const fs::path path = parent.path / name;
    std::string obstacle;
    if (auto in_the_way = make_below(parent, path, place)) {
      obstacle = std::move(*in_the_way);
    } else {
      try {
        TrialCgroup cgroup(path, version, place, parent.is_ours ? parent.path : fs::path());
        // Root may join what it has made. The kernel takes some 20 ms to let one in, which trials would wait for.
        const int error = place.as_root ? 0 : place.try_to_join(cgroup.join_descriptor());
        if (error == 0) {
          return cgroup;
        }
        obstacle = cannot_join(path, error);
      } catch (const std::system_error& error) {
        obstacle = error.what();
        place.remove_folder(path.c_str());
      }
    }
    if (parent.is_ours) {
      place.remove_folder(parent.path.c_str());
    }
    obstacles += (obstacles.empty() ? "" : ", and ") + obstacle;
  }
  if (obstacles.empty()) {
    obstacles = version == 0 ? "this machine has no cgroup memory controller in force"
                             : "in the root cgroup, where we are, only root can make others";
  }
  return NoCgroup{fmt::format("no cgroup can be made for the trial: {}; {}", obstacles, remedy(version, place))};
}

std::optional<NoCgroup> check_cgroups(const CgroupPlace& place) {
  auto made = make_trial_cgroup("memtrack-check-" + std::to_string(getpid()), place);
  if (auto* none = std::get_if<NoCgroup>(&made)) {
    return std::move(*none);
  }
  const auto& cgroup = std::get<TrialCgroup>(made);
  if (const int error = place.try_to_join(cgroup.join_descriptor()); error != 0) {
    return NoCgroup{cannot_join(cgroup.path(), error)};
  }
  try {
    cgroup.set_limit(kTriedLimitBytes);
  } catch (const std::runtime_error& error) {
    return NoCgroup{.reason = error.what(), .lacks_only_limit = true};
  }
  return std::nullopt;
}

}  // namespace memtrack
