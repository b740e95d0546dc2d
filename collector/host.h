#pragma once

#include <filesystem>

#include "collector/proc_reader.h"
#include "storage/trial_recorder.h"

namespace memtrack {

// What is known of this machine. `cgroup_root`: /sys/fs/cgroup, or a folder that looks like it.
HostRecord read_host(ProcReader& reader, const std::filesystem::path& cgroup_root = "/sys/fs/cgroup");

}  // namespace memtrack
