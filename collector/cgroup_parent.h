#pragma once

// The groups below which that of a trial may be made. Inside collector/cgroup*.cpp only.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "collector/cgroup.h"

namespace memtrack {

struct CgroupParent {
  std::filesystem::path path;
  int version = 0;
  bool is_ours = false;  // made and removed by us: /sys/fs/cgroup/memtrack
};

// Whose memory controller is in force here, 1 or 2. 0: none.
int memory_cgroup_version(const CgroupPlace& place);

// Best first.
std::vector<CgroupParent> cgroup_parents(int version, const CgroupPlace& place);

// Sees to it that groups below it have the memory controller. nullopt: they do; else what is in the way.
std::optional<std::string> prepare_parent(const CgroupParent& parent, const CgroupPlace& place);

}  // namespace memtrack
