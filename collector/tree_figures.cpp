#include "collector/tree_figures.h"

#include <unistd.h>

namespace memtrack {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

class Sum {
 public:
  void add(Reading part) {
    known_ = known_ && part.has_value();
    total_ += part.value_or(0);
    ++parts_;
  }
  Reading value() const { return known_ && parts_ > 0 ? Reading(total_) : std::nullopt; }

 private:
  bool known_ = true;
  std::int64_t total_ = 0;
  int parts_ = 0;
};

}  // namespace

std::int64_t ticks_to_ns(std::int64_t ticks) {
  static const std::int64_t kNsPerTick = kNsPerSecond / sysconf(_SC_CLK_TCK);
  return ticks * kNsPerTick;
}

Usage usage_of(const ProcStat& stat) {
  return {.cpu_ns =
              ticks_to_ns(stat.user_ticks + stat.system_ticks + stat.children_user_ticks + stat.children_system_ticks),
          .major_faults = stat.major_faults + stat.children_major_faults};
}

void sum_tree(const std::map<pid_t, MeasuredProcess>& processes, const Usage& ended, Sample& sample) {
  Sum rss, anon, file, shmem, swap;
  std::int64_t alive = 0;
  std::int64_t threads = 0;
  Usage usage = ended;
  for (const auto& [pid, process] : processes) {
    const ProcStat& stat = process.last;
    usage += usage_of(stat);
    if (!stat.is_alive()) {
      continue;
    }
    ++alive;
    threads += stat.threads;
    if (process.memory) {
      rss.add(process.memory->rss_bytes);
      anon.add(process.memory->rss_anon_bytes);
      file.add(process.memory->rss_file_bytes);
      shmem.add(process.memory->rss_shmem_bytes);
      swap.add(process.memory->swap_bytes);
    }
  }
  sample.tree_rss_bytes = rss.value();
  sample.tree_rss_anon_bytes = anon.value();
  sample.tree_rss_file_bytes = file.value();
  sample.tree_rss_shmem_bytes = shmem.value();
  sample.tree_swap_bytes = swap.value();
  sample.process_count = alive;
  sample.thread_count = threads;
  sample.cpu_ns = usage.cpu_ns;
  sample.tree_major_faults = usage.major_faults;
}

void sum_pss(const std::map<pid_t, MeasuredProcess>& processes, Sample& sample) {
  Sum pss, anon, file, shmem, uss;
  for (const auto& [pid, process] : processes) {
    if (!process.memory || process.ended_before_smaps) {
      continue;
    }
    if (!process.smaps) {
      return;
    }
    pss.add(process.smaps->pss_bytes);
    anon.add(process.smaps->pss_anon_bytes);
    file.add(process.smaps->pss_file_bytes);
    shmem.add(process.smaps->pss_shmem_bytes);
    uss.add(process.smaps->uss_bytes);
  }
  sample.tree_pss_bytes = pss.value();
  sample.tree_pss_anon_bytes = anon.value();
  sample.tree_pss_file_bytes = file.value();
  sample.tree_pss_shmem_bytes = shmem.value();
  sample.tree_uss_bytes = uss.value();
}

}  // namespace memtrack
