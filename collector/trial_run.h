#pragma once

// One trial from the collector's start to its end, step by step.

#include <cstdint>
#include <optional>
#include <string>

#include "collector/cgroup.h"
#include "collector/command_start.h"
#include "collector/idle_watch.h"
#include "collector/options.h"
#include "collector/proc_reader.h"
#include "collector/signals.h"
#include "collector/trial_clock.h"
#include "collector/trial_writer.h"
#include "storage/database.h"
#include "storage/trial_recorder.h"
#include "storage/trial_store.h"

namespace memtrack {

class TrialRun {
 public:
  // All of it outlives this.
  TrialRun(const CollectorOptions& options, const Trial& trial, CollectorSignals& signals, TrialRecorder& recorder)
      : options_(options), trial_(trial), signals_(signals), recorder_(recorder) {}

  // Waits and looks at the idle system, where the trial wants that. What to exit with, where we were told to stop.
  std::optional<int> settle();

  // Runs the command, or watches a process that ran before us, to the end. Returns what to exit with.
  int run(const OwnSettings& to_restore);
  int watch(const ProcessId& process);

  // What is left where one of these threw: a trial that failed; or, where its command has not been started and may be
  // later, one that has not begun.
  void record_failure(const std::exception& error);

 private:
  void make_cgroup();
  void record_start(std::optional<std::int64_t> started_ns);
  WriterLimits writer_limits() const { return {.timing = {.interval = std::chrono::nanoseconds(trial_.interval_ns)}}; }
  IdleWatch idle_watch() { return {signals_, reader_, clock_, std::chrono::nanoseconds(trial_.interval_ns)}; }
  int finish(TrialWriter& writer, const TrialOutcome& outcome, int foreground_code) const;

  const CollectorOptions& options_;
  const Trial& trial_;
  CollectorSignals& signals_;
  TrialRecorder& recorder_;
  ProcReader reader_;
  std::optional<TrialCgroup> cgroup_;
  std::string why_no_cgroup_;
  TrialClock clock_{now_ns(), BootClock::now()};
  bool is_recorded_as_started_ = false;
  bool has_command_ = false;  // it was started, for good or ill
};

}  // namespace memtrack
