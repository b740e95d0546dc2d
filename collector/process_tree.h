#pragma once

// The trial's process tree: the command and all its descendants, also those that double-fork, change session or outlive
// their parent. The collector is their subreaper, so whoever loses its parent becomes the collector's child; all
// children of the collector and their descendants are the tree, and the collector itself is never counted.

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "collector/proc_reader.h"
#include "storage/sample.h"

namespace memtrack {

// A pid is used again; pid and start time together name one process.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  auto operator<=>(const ProcessId&) const = default;
};

// High-water marks of resident memory that the kernel kept, as far as they were read.
struct TreeHighWater {
  std::int64_t processes_seen = 0;
  Reading largest_bytes = {};  // of any one process
  Reading sum_bytes =
      {};  // over all processes seen: no moment can have had more, but for what grew after its last reading
};

class ProcessTree {
 public:
  using Clock = std::chrono::steady_clock;

  // `collector`: whose descendants are the tree.
  ProcessTree(ProcReader& reader, pid_t collector);

  // Finds the tree anew and fills the tree's columns of `sample`.
  void read_into(Sample& sample, Clock::time_point now);
  // Finds it anew, with a look at every process of the machine: before signals are sent.
  void refresh(Clock::time_point now);

  // What wait4 said of a process that is no more.
  void add_reaped(pid_t pid, const rusage& usage);

  // As of the last reading, zombies left out.
  const std::vector<ProcessId>& living() const { return living_; }
  const TreeHighWater& high_water() const { return high_water_; }

 private:
  struct Process {
    ProcessId id;
    HeldFile stat;
    HeldFile status;
    std::vector<HeldFile> children;  // one a thread
    ProcStat last;
    std::optional<ProcStatus> memory;  // none: nothing resident, or that of its parent, which counts it
    std::int64_t high_water_bytes = 0;
    std::uint64_t reading = 0;  // the number of the last reading that found it
  };

  Process new_process(pid_t pid) const;
  void visit_with_descendants(std::vector<pid_t> pids);
  Process* visit(pid_t pid);
  bool read_figures(Process& process);
  bool is_of_tree(pid_t pid) const;
  bool shares_memory_with_parent(const Process& process, const ProcStatus& memory) const;
  void append_children(Process& process, std::vector<pid_t>& pids);
  void look_at_every_process();
  void visit_those_not_reached();
  void note_high_water(Process& process, Reading bytes);
  void sum_into(Sample& sample);

  ProcReader& reader_;
  Process collector_;
  std::map<pid_t, Process> processes_;
  std::uint64_t reading_ = 0;
  Clock::time_point next_full_look_{};
  std::vector<ProcessId> living_;
  TreeHighWater high_water_;
  std::int64_t reaped_cpu_ns_ = 0;
  std::int64_t reaped_major_faults_ = 0;
  std::int64_t last_cpu_ns_ = 0;
  std::int64_t last_major_faults_ = 0;
};

}  // namespace memtrack
