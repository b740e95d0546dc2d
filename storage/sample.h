#pragma once

// One reading of the machine and of a trial's process tree, as it stands in the relation `samples`.
// nullopt: not read. Bytes everywhere. What each column means: storage/schema.cpp, beside the column.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace memtrack {

// baseline: idle system, before and after. start: at exec. tick: start + k * interval, k >= 1. phase: at a boundary.
// final: just before the command is reaped.
enum class SampleKind { baseline, start, tick, phase, final };

std::string_view to_string(SampleKind kind);

using Reading = std::optional<std::int64_t>;

struct Sample {
  std::int64_t time_ns = 0;  // Unix epoch; strictly increasing within a trial
  SampleKind kind = SampleKind::tick;
  std::string phase = {};  // empty: the program has named none yet

  Reading mem_total_bytes = {};
  Reading mem_free_bytes = {};
  Reading mem_available_bytes = {};
  Reading buffers_bytes = {};
  Reading cached_bytes = {};
  Reading sreclaimable_bytes = {};
  Reading shmem_bytes = {};
  Reading anon_bytes = {};
  Reading slab_bytes = {};
  Reading dirty_bytes = {};
  Reading active_bytes = {};
  Reading swap_total_bytes = {};
  Reading swap_free_bytes = {};
  Reading pcp_free_bytes = {};
  Reading tree_rss_bytes = {};
  Reading tree_rss_anon_bytes = {};
  Reading tree_rss_file_bytes = {};
  Reading tree_rss_shmem_bytes = {};
  Reading tree_pss_bytes = {};
  Reading tree_pss_anon_bytes = {};
  Reading tree_pss_file_bytes = {};
  Reading tree_pss_shmem_bytes = {};
  Reading tree_uss_bytes = {};
  Reading tree_swap_bytes = {};
  Reading tree_major_faults = {};
  Reading process_count = {};
  Reading thread_count = {};
  Reading cpu_ns = {};
  Reading cgroup_bytes = {};
};

// One process of the tree at the time of a sample, as it stands in `processes` and `process_readings`.
struct ProcessReading {
  std::int64_t time_ns = 0;  // that of the sample
  std::int64_t process = 0;  // counted from 1 within the trial: another parent or name is another number
  std::int64_t pid = 0;
  std::int64_t parent_pid = 0;
  std::string name = {};

  Reading rss_bytes = {};
  Reading rss_anon_bytes = {};
  Reading rss_file_bytes = {};
  Reading rss_shmem_bytes = {};
  Reading peak_rss_bytes = {};
  Reading pss_bytes = {};
  Reading uss_bytes = {};
  Reading swap_bytes = {};
  Reading threads = {};
  Reading cpu_ns = {};
};

// The measured columns of `samples`, by name, in the schema's order.
struct SampleColumn {
  std::string_view name;
  Reading Sample::*member;
};
std::span<const SampleColumn> sample_columns();

// The same of `process_readings`.
struct ProcessColumn {
  std::string_view name;
  Reading ProcessReading::*member;
};
std::span<const ProcessColumn> process_columns();

}  // namespace memtrack
