#include "collector/attached_session.h"

#include <unistd.h>

#include <utility>
#include <vector>

namespace memtrack {
namespace {

// Us and our starter, should we descend from what we watch.
std::vector<pid_t> left_out_of_tree(pid_t watched) {
  std::vector<pid_t> pids = {getpid(), getppid()};
  std::erase(pids, watched);
  return pids;
}

}  // namespace

AttachedSession::AttachedSession(ProcessId process, FileDescriptor watched, std::chrono::nanoseconds interval,
                                 CollectorSignals& signals, EventSocket& events, ProcReader& reader, TrialClock& clock,
                                 TrialWriter& writer)
    : process_(process),
      watched_(std::move(watched)),
      signals_(signals),
      reader_(reader),
      sampler_(reader, TreeRoot::attached(process, left_out_of_tree(process.pid)), interval),
      meter_(sampler_, interval, events, clock, writer) {
  for (const int descriptor : {meter_.events(), signals_.descriptor(), watched_.get()}) {
    waiting_.watch(descriptor);
  }
}

TrialOutcome AttachedSession::run() {
  const std::int64_t faults_before = waited_for_faults();
  PeakFacts& peaks = sampler_.peaks();
  peaks.attached.emplace();
  meter_.start();
  peaks.attached->first_mark_bytes = sampler_.tree().high_water().largest_bytes;
  End end = End::none;
  while (end == End::none) {
    end = wait_and_serve();
  }
  peaks.attached->has_ended = end == End::process;
  TrialOutcome outcome{.state = TrialState::done};
  outcome.ended_ns = meter_.end();
  // Children that came and went between two samples leave no other trace.
  peaks.has_waited_for_children = waited_for_faults() != faults_before;
  meter_.hand_over_totals();
  outcome.reason = end == End::process ? "the process has ended" : "stopped watching; the process runs on";
  return outcome;
}

AttachedSession::End AttachedSession::wait_and_serve() {
  End end = End::none;
  for (const pollfd& entry : waiting_.wait_until(meter_.next_tick())) {
    if (entry.revents == 0) {
      continue;
    }
    if (entry.fd == watched_.get()) {
      end = End::process;
    } else if (entry.fd == meter_.events()) {
      meter_.on_events();
    } else if (end == End::none && is_told_to_stop()) {
      end = End::told;
    }
  }
  if (end == End::none) {
    meter_.tick_if_due();
  }
  return end;
}

// What is typed at the terminal reaches our starter, who tells us; a hang-up is his to answer too.
bool AttachedSession::is_told_to_stop() {
  bool is_told = false;
  while (const auto signal = signals_.take()) {
    is_told = is_told || *signal == SIGTERM;
  }
  return is_told;
}

std::int64_t AttachedSession::waited_for_faults() {
  const auto stat = reader_.read_stat(process_.pid);
  return stat ? stat->children_minor_faults + stat->children_major_faults : 0;
}

}  // namespace memtrack
