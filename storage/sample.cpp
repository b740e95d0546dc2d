#include "storage/sample.h"

#include <array>

namespace memtrack {
namespace {

constexpr std::array<std::string_view, 5> kKindNames = {"baseline", "start", "tick", "phase", "final"};

constexpr std::array kColumns = {
    SampleColumn{"mem_total_bytes", &Sample::mem_total_bytes},
    SampleColumn{"mem_free_bytes", &Sample::mem_free_bytes},
    SampleColumn{"mem_available_bytes", &Sample::mem_available_bytes},
    SampleColumn{"buffers_bytes", &Sample::buffers_bytes},
    SampleColumn{"cached_bytes", &Sample::cached_bytes},
    SampleColumn{"sreclaimable_bytes", &Sample::sreclaimable_bytes},
    SampleColumn{"shmem_bytes", &Sample::shmem_bytes},
    SampleColumn{"anon_bytes", &Sample::anon_bytes},
    SampleColumn{"slab_bytes", &Sample::slab_bytes},
    SampleColumn{"dirty_bytes", &Sample::dirty_bytes},
    SampleColumn{"active_bytes", &Sample::active_bytes},
    SampleColumn{"swap_total_bytes", &Sample::swap_total_bytes},
    SampleColumn{"swap_free_bytes", &Sample::swap_free_bytes},
    SampleColumn{"pcp_free_bytes", &Sample::pcp_free_bytes},
    SampleColumn{"tree_rss_bytes", &Sample::tree_rss_bytes},
    SampleColumn{"tree_rss_anon_bytes", &Sample::tree_rss_anon_bytes},
    SampleColumn{"tree_rss_file_bytes", &Sample::tree_rss_file_bytes},
    SampleColumn{"tree_rss_shmem_bytes", &Sample::tree_rss_shmem_bytes},
    SampleColumn{"tree_pss_bytes", &Sample::tree_pss_bytes},
    SampleColumn{"tree_pss_anon_bytes", &Sample::tree_pss_anon_bytes},
    SampleColumn{"tree_pss_file_bytes", &Sample::tree_pss_file_bytes},
    SampleColumn{"tree_pss_shmem_bytes", &Sample::tree_pss_shmem_bytes},
    SampleColumn{"tree_uss_bytes", &Sample::tree_uss_bytes},
    SampleColumn{"tree_swap_bytes", &Sample::tree_swap_bytes},
    SampleColumn{"tree_major_faults", &Sample::tree_major_faults},
    SampleColumn{"process_count", &Sample::process_count},
    SampleColumn{"thread_count", &Sample::thread_count},
    SampleColumn{"cpu_ns", &Sample::cpu_ns},
    SampleColumn{"cgroup_bytes", &Sample::cgroup_bytes},
};

constexpr std::array kProcessColumns = {
    ProcessColumn{"rss_bytes", &ProcessReading::rss_bytes},
    ProcessColumn{"rss_anon_bytes", &ProcessReading::rss_anon_bytes},
    ProcessColumn{"rss_file_bytes", &ProcessReading::rss_file_bytes},
    ProcessColumn{"rss_shmem_bytes", &ProcessReading::rss_shmem_bytes},
    ProcessColumn{"peak_rss_bytes", &ProcessReading::peak_rss_bytes},
    ProcessColumn{"pss_bytes", &ProcessReading::pss_bytes},
    ProcessColumn{"uss_bytes", &ProcessReading::uss_bytes},
    ProcessColumn{"swap_bytes", &ProcessReading::swap_bytes},
    ProcessColumn{"threads", &ProcessReading::threads},
    ProcessColumn{"cpu_ns", &ProcessReading::cpu_ns},
};

}  // namespace

std::string_view to_string(SampleKind kind) {
  return kKindNames.at(static_cast<std::size_t>(kind));
}

std::span<const SampleColumn> sample_columns() {
  return kColumns;
}

std::span<const ProcessColumn> process_columns() {
  return kProcessColumns;
}

}  // namespace memtrack
