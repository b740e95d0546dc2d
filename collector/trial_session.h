#pragma once

// The collector's first thread, from the start of the command to the end of its tree: it ticks, reads and listens, and
// never waits for a disk or a lock.

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "collector/cgroup.h"
#include "collector/end_plan.h"
#include "collector/event_socket.h"
#include "collector/outcome.h"
#include "collector/poll_set.h"
#include "collector/proc_reader.h"
#include "collector/sampler.h"
#include "collector/signals.h"
#include "collector/trial_clock.h"
#include "collector/trial_meter.h"
#include "collector/trial_writer.h"
#include "storage/file_descriptor.h"

namespace memtrack {

struct SessionSettings {
  pid_t command = 0;
  std::chrono::nanoseconds interval{};
  std::optional<std::chrono::nanoseconds> timeout;
  Reading memory_limit_bytes = {};       // as the cgroup has it
  const TrialCgroup* cgroup = nullptr;   // the trial's own, with the command in it; nullptr: none
  std::int64_t max_rss_floor_bytes = 0;  // see PeakFacts
  bool in_foreground = false;            // a hang-up is the command's to answer
};

class TrialSession {
 public:
  // `output`: where the command's output is read, not waiting; none in the foreground.
  TrialSession(const SessionSettings& settings, CollectorSignals& signals, EventSocket& events, FileDescriptor output,
               ProcReader& reader, TrialClock& clock, TrialWriter& writer);
  ~TrialSession();  // nothing of the tree is left behind

  // Until the command has ended and nothing of its tree is left.
  TrialOutcome run();
  int wait_status() const { return end_.wait_status; }

 private:
  void wait_and_serve();
  BootClock::time_point next_time() const;
  void serve(int descriptor);
  bool is_over();

  void on_signals();
  void on_output();

  void reap();
  void on_command_ended();
  void do_what_is_planned();
  void signal_tree(int signal);
  void drain();

  const SessionSettings settings_;
  CollectorSignals& signals_;
  FileDescriptor output_;
  ProcReader& reader_;
  TrialWriter& writer_;

  PollSet waiting_;
  Sampler sampler_;
  TrialMeter meter_;
  EndPlan plan_;
  EndFacts end_;
  std::unique_ptr<char[]> output_buffer_;  // not touched, and so not resident, until there is output
  bool output_ended_ = false;              // nobody will write any more
  bool command_ended_ = false;
  bool has_children_ = true;
};

}  // namespace memtrack
