#pragma once

// The trial's process tree: the command and all its descendants, also those that double-fork, change session or outlive
// their parent. The collector is their subreaper, so whoever loses its parent becomes the collector's child; all
// children of the collector and their descendants are the tree, and the collector itself is never counted.
//
// An attached process is the root itself, and counted. Who is its subreaper is not ours to say: a descendant that loses
// its parent is known only where it was seen before.

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "collector/cgroup.h"
#include "collector/measured_process.h"
#include "collector/proc_reader.h"
#include "collector/process_rows.h"
#include "collector/pss_budget.h"
#include "collector/tree_figures.h"
#include "collector/trial_clock.h"
#include "storage/sample.h"

namespace memtrack {

// High-water marks of resident memory that the kernel kept, as far as they were read.
struct TreeHighWater {
  std::int64_t processes_seen = 0;
  Reading largest_bytes = {};  // of any one process
  // Over all processes seen: no moment can have had more, but for what grew after its last reading.
  Reading sum_bytes = {};
};

// Whose descendants are the tree.
struct TreeRoot {
  ProcessId process = {};
  bool is_counted = false;           // an attached process; where not, its start time is not looked at
  std::vector<pid_t> left_out = {};  // with all that descends from them alone: us, where we descend from it

  static TreeRoot of_collector(pid_t pid) { return {.process = {.pid = pid}}; }
  static TreeRoot attached(ProcessId process, std::vector<pid_t> left_out) {
    return {.process = process, .is_counted = true, .left_out = std::move(left_out)};
  }
};

class ProcessTree {
 public:
  using Clock = BootClock;

  // `cgroup`: the trial's own, which lists them at once; outlives this. Once a second both are asked, since processes
  // may leave it, and else what costs less. nullptr: it has none.
  ProcessTree(ProcReader& reader, TreeRoot root, const TrialCgroup* cgroup = nullptr);
  ProcessTree(ProcReader& reader, pid_t collector, const TrialCgroup* cgroup = nullptr)
      : ProcessTree(reader, TreeRoot::of_collector(collector), cgroup) {}

  // Finds the tree anew and fills the tree's columns of `sample`, but for pss and uss.
  void read_into(Sample& sample, Clock::time_point now);
  // What that cost the last time, in CPU time; the look at every process of the machine, made now and then, left out.
  std::chrono::nanoseconds cost() const { return cost_; }
  // Reads pss and uss of all that read_into() found. False: a process would take too long, and nothing was read.
  bool read_pss_into(Sample& sample, PssBudget& budget);
  // What the budget has to know before: what a pass is expected to take.
  std::chrono::nanoseconds expected_pss_cost(const PssBudget& budget) const;

  // Rows of the processes that read_into() found: of all of them, or of those alone that have none yet. Those of
  // processes that have ended since come along: their last reading.
  std::vector<ProcessReading> take_rows(bool of_all) { return rows_.take(processes_, reading_, of_all); }

  // Finds it anew, with a look at every process of the machine: before signals are sent. Reads no memory.
  void refresh(Clock::time_point now);

  // What wait4 said of a process that is no more.
  void add_reaped(pid_t pid, const rusage& usage);

  // As of the last reading, zombies left out.
  const std::vector<ProcessId>& living() const { return living_; }
  const TreeHighWater& high_water() const { return high_water_; }

 private:
  using Process = MeasuredProcess;

  Process new_process(pid_t pid) const;
  void visit_with_descendants(std::vector<pid_t> pids);
  enum class Belonging { by_parent, certain };
  Process* visit(pid_t pid, Belonging belonging = Belonging::by_parent);
  bool read_figures(Process& process);
  void read_memory(Process& process, bool is_known);
  bool is_of_tree(const Process& process) const;
  bool is_parent_of_tree(pid_t pid) const;
  bool visit_from_root();
  void forget(std::map<pid_t, Process>::iterator process);
  bool is_list_cheaper() const;
  bool shares_memory_with_parent(Process& process, const ProcStatus& memory) const;
  void append_children(Process& process, std::vector<pid_t>& pids);
  void look_at_every_process();
  void visit_those_not_reached();
  void find(Clock::time_point now);
  void note_high_water(Process& process, Reading bytes);

  ProcReader& reader_;
  const TreeRoot root_;
  const TrialCgroup* cgroup_;
  Process collector_;  // the root, where it is not counted
  std::map<pid_t, Process> processes_;
  std::uint64_t reading_ = 0;
  std::int64_t time_ns_ = 0;  // of the sample that is read
  bool reads_memory_ = true;
  Clock::time_point next_full_look_{};
  Clock::time_point next_look_both_ways_{};  // by the cgroup's list and by the children of every thread
  std::int64_t threads_ = 0;                 // of the whole tree, as of the last reading
  std::chrono::nanoseconds cost_{};
  std::vector<ProcessId> living_;
  TreeHighWater high_water_;
  Usage reaped_;
  ProcessRows rows_;
  std::int64_t last_cpu_ns_ = 0;
  std::int64_t last_major_faults_ = 0;
};

}  // namespace memtrack
