#pragma once

// Measures a process that ran before us, with all that descends from it, until it ends or we are told to stop. It is
// watched and nothing else: never signalled, never moved, never waited for; there is no code here that could. What only
// a parent learns (exit code, signal, resource usage) stays unknown.

#include <chrono>

#include "collector/event_socket.h"
#include "collector/poll_set.h"
#include "collector/proc_reader.h"
#include "collector/process_tree.h"
#include "collector/sampler.h"
#include "collector/signals.h"
#include "collector/trial_clock.h"
#include "collector/trial_meter.h"
#include "collector/trial_writer.h"
#include "storage/file_descriptor.h"
#include "storage/trial_recorder.h"

namespace memtrack {

class AttachedSession {
 public:
  // `watched`: a pidfd of `process`. We and our starter are left out of its tree, should we descend from it.
  AttachedSession(ProcessId process, FileDescriptor watched, std::chrono::nanoseconds interval,
                  CollectorSignals& signals, EventSocket& events, ProcReader& reader, TrialClock& clock,
                  TrialWriter& writer);

  TrialOutcome run();

 private:
  enum class End { none, process, told };

  End wait_and_serve();
  bool is_told_to_stop();
  std::int64_t waited_for_faults();

  const ProcessId process_;
  FileDescriptor watched_;
  CollectorSignals& signals_;
  ProcReader& reader_;
  Sampler sampler_;
  TrialMeter meter_;
  PollSet waiting_;
};

}  // namespace memtrack
