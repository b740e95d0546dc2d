#include "collector/process_rows.h"

#include <utility>

#include "collector/tree_figures.h"

namespace memtrack {
namespace {

ProcessReading row_of(const MeasuredProcess& process) {
  ProcessReading row{.time_ns = process.read_time_ns,
                     .process = process.row_number,
                     .pid = process.id.pid,
                     .parent_pid = process.row_parent_pid,
                     .name = process.row_name,
                     .threads = process.last.threads,
                     .cpu_ns = ticks_to_ns(process.last.user_ticks + process.last.system_ticks)};
  if (process.memory) {
    row.rss_bytes = process.memory->rss_bytes;
    row.rss_anon_bytes = process.memory->rss_anon_bytes;
    row.rss_file_bytes = process.memory->rss_file_bytes;
    row.rss_shmem_bytes = process.memory->rss_shmem_bytes;
    row.peak_rss_bytes = process.memory->peak_rss_bytes;
    row.swap_bytes = process.memory->swap_bytes;
  }
  if (process.smaps) {
    row.pss_bytes = process.smaps->pss_bytes;
    row.uss_bytes = process.smaps->uss_bytes;
  }
  return row;
}

}  // namespace

std::vector<ProcessReading> ProcessRows::take(std::map<pid_t, MeasuredProcess>& processes, std::uint64_t reading,
                                              bool of_all) {
  std::vector<ProcessReading> rows = std::exchange(kept_, {});
  for (auto& [pid, process] : processes) {
    if (!process.memory || process.reading != reading) {
      continue;
    }
    const bool is_new = process.row_number == 0 || process.row_parent_pid != process.last.parent_pid ||
                        process.row_name != process.last.name;
    if (is_new) {
      process.row_number = ++last_number_;
      process.row_parent_pid = process.last.parent_pid;
      process.row_name = process.last.name;
    }
    if (is_new || of_all) {
      process.row_time_ns = process.read_time_ns;
      rows.push_back(row_of(process));
    }
  }
  return rows;
}

void ProcessRows::keep_last(MeasuredProcess& process) {
  if (process.memory && process.row_number != 0 && process.read_time_ns > process.row_time_ns) {
    kept_.push_back(row_of(process));
    process.row_time_ns = process.read_time_ns;
  }
}

}  // namespace memtrack
