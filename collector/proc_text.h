#pragma once

// What the kernel writes under /proc, as figures. Pure functions over text; kB becomes bytes here and nowhere else.
// They never throw: a line that is missing, or that says something else than expected, leaves its figure unread.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/sample.h"

namespace memtrack {

// /proc/meminfo into the system columns of `sample`; the others are left alone.
void parse_meminfo(std::string_view text, Sample& sample);

// /proc/PID/status. Every figure is of the whole process, all threads together.
struct ProcStatus {
  std::int64_t rss_bytes = 0;  // VmRSS; leaves out hugetlb pages
  Reading rss_anon_bytes, rss_file_bytes, rss_shmem_bytes;
  Reading peak_rss_bytes;  // VmHWM: since the last exec
  Reading size_bytes;      // VmSize
  Reading swap_bytes;
  Reading hugetlb_bytes;
};

// nullopt: nothing resident to report (a zombie, a process that is about to end, a kernel thread).
std::optional<ProcStatus> parse_proc_status(std::string_view text);

// /proc/PID/smaps_rollup: what the page tables say, exact, each page divided by the number of processes that map it.
// Hugetlb pages are left out. Linux 4.14; the three parts of pss 5.3.
struct ProcSmaps {
  std::int64_t pss_bytes = 0;
  Reading pss_anon_bytes, pss_file_bytes, pss_shmem_bytes;
  std::int64_t uss_bytes = 0;  // private pages, clean and dirty: what would come free if the process ended now
};

// nullopt: nothing mapped to report, or not the text of such a file.
std::optional<ProcSmaps> parse_smaps_rollup(std::string_view text);

// /proc/PID/stat. Times are in ticks of sysconf(_SC_CLK_TCK); the children's are those of waited-for descendants.
struct ProcStat {
  pid_t pid = 0;
  std::string name;  // may hold anything: "a) b (c"
  char state = '?';  // R running, S sleeping, D disk, T stopped, Z zombie, X dead, ...
  pid_t parent_pid = 0;
  std::int64_t children_minor_faults = 0;
  std::int64_t major_faults = 0;
  std::int64_t children_major_faults = 0;
  std::int64_t user_ticks = 0;
  std::int64_t system_ticks = 0;
  std::int64_t children_user_ticks = 0;
  std::int64_t children_system_ticks = 0;
  std::int64_t threads = 0;
  std::uint64_t start_ticks = 0;  // since boot: tells processes of the same pid apart

  // A first thread that has ended is shown as a zombie while others of its process still run.
  bool is_alive() const { return state != 'X' && (state != 'Z' || threads > 1); }
};

// nullopt: not the text of such a file.
std::optional<ProcStat> parse_proc_stat(std::string_view text);

// /proc/PID/task/TID/children: "12 13 99 ". Stops at the first word that is no pid.
std::vector<pid_t> parse_children(std::string_view text);

// /proc/zoneinfo: pages on the per-CPU lists of all zones ("count:" below "pagesets"). nullopt: it has no such list.
std::optional<std::int64_t> parse_per_cpu_pages(std::string_view text);

// /proc/cpuinfo: "AMD EPYC". Empty where it names none.
std::string parse_cpu_model(std::string_view text);

// Whose memory controller is in force, 1 or 2. `own_cgroups`: /proc/self/cgroup; `v2_controllers`:
// /sys/fs/cgroup/cgroup.controllers, empty where there is no such file. nullopt: none.
std::optional<std::int64_t> parse_cgroup_version(std::string_view own_cgroups, std::string_view v2_controllers);

// A whole decimal number, nothing around it.
std::optional<std::int64_t> parse_integer(std::string_view word);

}  // namespace memtrack
