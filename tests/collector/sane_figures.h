#pragma once

// What no parser of the kernel's texts may make of a text, whatever stands in it: figures that are
// negative, or so large that sums of them leave the range of 64 bits.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "collector/cgroup_text.h"
#include "collector/proc_text.h"

namespace memtrack::testing {

// Sums over this many processes do not leave the range of 64 bits.
inline constexpr std::int64_t kProcesses = 8'000;

inline bool can_be_summed_up(std::int64_t value, std::int64_t factor) {
  return value >= 0 && value <= std::numeric_limits<std::int64_t>::max() / factor;
}

// Bytes.
inline bool is_sane(const Reading& reading) {
  return !reading || can_be_summed_up(*reading, kProcesses / 2);
}

inline bool are_pids(const std::vector<pid_t>& pids) {
  return std::all_of(pids.begin(), pids.end(), [](pid_t pid) { return pid > 0; });
}

inline bool is_sane(const ProcStat& stat) {
  constexpr std::int64_t kNsPerTick = 10'000'000;
  const auto is_time = [](std::int64_t ticks) { return can_be_summed_up(ticks, 4 * kNsPerTick); };
  return stat.pid > 0 && stat.parent_pid >= 0 && stat.threads >= 0 && is_time(stat.user_ticks) &&
         is_time(stat.system_ticks) && is_time(stat.children_user_ticks) && is_time(stat.children_system_ticks) &&
         stat.children_minor_faults >= 0 && can_be_summed_up(stat.major_faults, kProcesses) &&
         can_be_summed_up(stat.children_major_faults, kProcesses);
}

inline bool is_sane(const ProcStatus& status) {
  return is_sane(status.rss_bytes) && is_sane(status.rss_anon_bytes) && is_sane(status.rss_file_bytes) &&
         is_sane(status.rss_shmem_bytes) && is_sane(status.peak_rss_bytes) && is_sane(status.size_bytes) &&
         is_sane(status.swap_bytes) && is_sane(status.hugetlb_bytes);
}

inline bool is_sane(const ProcSmaps& smaps) {
  return is_sane(smaps.pss_bytes) && is_sane(smaps.pss_anon_bytes) && is_sane(smaps.pss_file_bytes) &&
         is_sane(smaps.pss_shmem_bytes) && is_sane(smaps.uss_bytes);
}

inline bool is_sane(const Sample& sample) {
  const auto columns = sample_columns();
  return std::all_of(columns.begin(), columns.end(),
                     [&](const SampleColumn& column) { return is_sane(sample.*column.member); });
}

inline bool has_sane_memory(std::string_view text) {
  Sample sample;
  parse_meminfo(text, sample);
  return is_sane(sample);
}

// The first parser that makes something absurd of the text; empty: none does.
inline std::string_view absurd_parser(std::string_view text) {
  const auto is_sane_if_any = [](const auto& parsed) { return !parsed || is_sane(*parsed); };
  parse_cpu_model(text);
  parse_cgroup_version(text, text);
  parse_own_cgroup(text, 1);
  parse_own_cgroup(text, 2);
  lists_controller(text, "memory");
  return !has_sane_memory(text)                                            ? "parse_meminfo"
         : !is_sane_if_any(parse_proc_status(text))                        ? "parse_proc_status"
         : !is_sane_if_any(parse_smaps_rollup(text))                       ? "parse_smaps_rollup"
         : !is_sane_if_any(parse_proc_stat(text))                          ? "parse_proc_stat"
         : !are_pids(parse_children(text))                                 ? "parse_children"
         : !are_pids(parse_cgroup_procs(text))                             ? "parse_cgroup_procs"
         : !can_be_summed_up(parse_per_cpu_pages(text).value_or(0), 65536) ? "parse_per_cpu_pages"
         : parse_oom_kills(text).value_or(0) < 0                           ? "parse_oom_kills"
         : parse_cgroup_figure(text).value_or(0) < 0                       ? "parse_cgroup_figure"
                                                                           : "";
}

}  // namespace memtrack::testing
