#include "collector/cgroup_parent.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "collector/cgroup_file.h"
#include "collector/cgroup_text.h"
#include "collector/proc_text.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

constexpr const char* kOwnLeaf = "memtrack.self";
constexpr const char* kTopGroup = "memtrack";

std::string cannot(const char* doing, const fs::path& path, int error) {
  return fmt::format("cannot {} {}: {}", doing, path.string(), std::strerror(error));
}

fs::path below(const fs::path& root, const std::string& absolute) {
  return (root / absolute.substr(1)).lexically_normal();
}

std::string name_of(pid_t pid, const CgroupPlace& place) {
  const std::string text = read_cgroup_file(place.proc / std::to_string(pid) / "comm").value_or("");
  return text.substr(0, text.find('\n'));
}

// Moves collector, memtrackd and memtrack out of `group` into a leaf of it. nullopt: it holds no process any more.
std::optional<std::string> move_ourselves_to_leaf(const fs::path& group, const CgroupPlace& place) {
  const std::vector<pid_t> pids = parse_cgroup_procs(read_cgroup_file(group / "cgroup.procs").value_or(""));
  for (const pid_t pid : pids) {
    if (const std::string name = name_of(pid, place); !name.empty() && !name.starts_with("memtrack")) {
      return fmt::format("{} holds a process that is not memtrack's: {}, pid {}", group.string(), name, pid);
    }
  }
  const fs::path leaf = group / kOwnLeaf;
  if (place.make_folder(leaf.c_str(), 0755) != 0 && errno != EEXIST) {
    return cannot("make", leaf, errno);
  }
  for (const pid_t pid : pids) {
    const int error = place.write_file(leaf / "cgroup.procs", std::to_string(pid));
    if (error != 0 && error != ESRCH) {
      return cannot("move memtrack's processes into", leaf, error);
    }
  }
  return std::nullopt;
}

// For the groups below `group`.
std::optional<std::string> enable_memory(const fs::path& group, const CgroupPlace& place) {
  const fs::path control = group / "cgroup.subtree_control";
  if (lists_controller(read_cgroup_file(control).value_or(""), "memory")) {
    return std::nullopt;
  }
  if (!lists_controller(read_cgroup_file(group / "cgroup.controllers").value_or(""), "memory")) {
    return fmt::format("memory is not among the controllers of {}", group.string());
  }
  int error = place.write_file(control, "+memory");
  if (error == EBUSY) {
    if (auto obstacle = move_ourselves_to_leaf(group, place)) {
      return obstacle;
    }
    error = place.write_file(control, "+memory");
  }
  return error == 0 ? std::nullopt : std::optional(cannot("write +memory into", control, error));
}

}  // namespace

int memory_cgroup_version(const CgroupPlace& place) {
  return static_cast<int>(parse_cgroup_version(read_cgroup_file(place.proc / "self/cgroup").value_or(""),
                                               read_cgroup_file(place.root / "cgroup.controllers").value_or(""))
                              .value_or(0));
}

std::vector<CgroupParent> cgroup_parents(int version, const CgroupPlace& place) {
  std::vector<CgroupParent> parents;
  const auto own = parse_own_cgroup(read_cgroup_file(place.proc / "self/cgroup").value_or(""), version);
  if (version == 1) {
    const fs::path mount = place.root / "memory";
    // Within a container the mount may begin at our own group while /proc names it as the host does.
    const fs::path named = below(mount, own.value_or("/"));
    parents.push_back({.path = fs::exists(named) ? named : mount, .version = 1});
    return parents;
  }
  // Root needs no delegated group. One that is divided could not take memtrackd in again when systemd restarts it.
  if (place.as_root) {
    parents.push_back({.path = place.root / kTopGroup, .version = 2, .is_ours = true});
  }
  const fs::path group = below(place.root, own.value_or("/"));
  // The one group without this file is the real root, which is no place for a trial to be among others.
  if (own && fs::exists(group / "cgroup.events")) {
    parents.push_back({.path = group.filename() == kOwnLeaf ? group.parent_path() : group, .version = 2});
  }
  return parents;
}

std::optional<std::string> prepare_parent(const CgroupParent& parent, const CgroupPlace& place) {
  if (parent.version == 1) {
    return fs::exists(parent.path)
               ? std::nullopt
               : std::optional(fmt::format("the memory controller is not mounted on {}", parent.path.string()));
  }
  if (parent.is_ours) {
    if (auto obstacle = enable_memory(place.root, place)) {
      return obstacle;
    }
    if (place.make_folder(parent.path.c_str(), 0755) != 0 && errno != EEXIST) {
      return cannot("make", parent.path, errno);
    }
  }
  return enable_memory(parent.path, place);
}

}  // namespace memtrack
