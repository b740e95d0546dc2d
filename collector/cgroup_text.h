#pragma once

// What the kernel writes under /sys/fs/cgroup, /proc/PID/cgroup and /proc/swaps. Pure functions over text that never
// throw.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/sample.h"

namespace memtrack {

// cgroup.procs: one pid a line, no promise of order. Processes of other pid namespaces, shown as 0, are left out.
std::vector<pid_t> parse_cgroup_procs(std::string_view text);

// memory.events (v2) and memory.oom_control (v1): "oom_kill 3". nullopt: not counted (v1 before Linux 4.13).
Reading parse_oom_kills(std::string_view text);

// A file of one figure: memory.current, memory.usage_in_bytes. nullopt: none, such as "max".
Reading parse_cgroup_figure(std::string_view text);

// cgroup.controllers and cgroup.subtree_control: "cpu io memory pids".
bool lists_controller(std::string_view text, std::string_view name);

// /proc/swaps: a heading, and a line for each swap file or partition that is in use.
bool has_swap(std::string_view text);

// The group of a process below the mount of its hierarchy, "/user.slice/a.scope", from /proc/PID/cgroup: that of the
// memory controller (`version` 1, "4:memory:/a") or of the one hierarchy (2, "0::/a"). nullopt: it is in none.
std::optional<std::string> parse_own_cgroup(std::string_view text, int version);

}  // namespace memtrack
