#pragma once

// Takes the samples of one trial: the machine, the process tree, and what is read less often than every tick because it
// costs more. What is not read stays empty.

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "collector/cgroup.h"
#include "collector/outcome.h"
#include "collector/proc_reader.h"
#include "collector/process_tree.h"
#include "collector/pss_budget.h"
#include "collector/trial_clock.h"
#include "storage/sample.h"

namespace memtrack {

// Lets pass what is due at most once a period.
class Cadence {
 public:
  explicit Cadence(std::chrono::nanoseconds period) : period_(period) {}

  bool is_due(BootClock::time_point now) const { return !last_ || now - *last_ >= period_; }
  void note(BootClock::time_point now) { last_ = now; }

 private:
  std::chrono::nanoseconds period_;
  std::optional<BootClock::time_point> last_;
};

class Sampler {
 public:
  // `cgroup`: the trial's own, outliving this; nullptr: it has none.
  Sampler(ProcReader& reader, TreeRoot root, std::chrono::nanoseconds interval, const TrialCgroup* cgroup = nullptr);

  // Fills `sample`, whose time, kind and phase are given. `due`: when it was to be taken, the tick's time or now; what
  // is read once a second goes by it, so that a late tick does not shift the next.
  void read(Sample& sample, BootClock::time_point due);
  // The rows of processes that belong to what was read.
  std::vector<ProcessReading> take_process_rows() { return std::move(process_rows_); }

  ProcessTree& tree() { return tree_; }
  PeakFacts& peaks() { return peaks_; }
  // With what the kernel kept until now.
  const PeakFacts& complete_peaks();
  std::int64_t pss_skipped() const { return pss_skipped_; }

 private:
  void read_tree(Sample& sample, BootClock::time_point due);
  bool read_pss(Sample& sample, BootClock::time_point due);
  bool are_rows_due(SampleKind kind, BootClock::time_point due, bool has_pss) const;

  ProcReader& reader_;
  const std::chrono::nanoseconds interval_;
  const TrialCgroup* cgroup_;
  ProcessTree tree_;
  PeakFacts peaks_;
  PssBudget pss_budget_;
  Cadence per_cpu_pages_;
  Cadence pss_;
  Cadence process_row_cadence_;
  BootClock::time_point last_pss_;             // when the last pass began, or the trial
  BootClock::time_point next_tree_reading_{};  // a tree that is costly to read is read less often
  bool is_pss_too_long_ = false;
  std::int64_t pss_skipped_ = 0;
  std::vector<ProcessReading> process_rows_;
};

}  // namespace memtrack
