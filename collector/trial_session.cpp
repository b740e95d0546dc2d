#include "collector/trial_session.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "collector/tree_signal.h"

namespace memtrack {
namespace {

// Timeouts do not count the time that the machine is suspended.
using EndClock = std::chrono::steady_clock;

constexpr std::size_t kOutputBufferBytes = 65536;
// What is served of one source before the others get their turn.
constexpr int kMostReadsAtOnce = 16;
// What is still taken of each when the trial is over: somebody who escaped may go on writing.
constexpr int kLastRounds = 64;

}  // namespace

TrialSession::TrialSession(const SessionSettings& settings, CollectorSignals& signals, EventSocket& events,
                           FileDescriptor output, ProcReader& reader, TrialClock& clock, TrialWriter& writer)
    : settings_(settings),
      signals_(signals),
      output_(std::move(output)),
      reader_(reader),
      writer_(writer),
      sampler_(reader, TreeRoot::of_collector(getpid()), settings.interval, settings.cgroup),
      meter_(sampler_, settings.interval, events, clock, writer),
      plan_(EndClock::now(), settings.timeout),
      output_buffer_(std::make_unique_for_overwrite<char[]>(kOutputBufferBytes)) {
  waiting_.watch(signals_.descriptor());
  waiting_.watch(meter_.events());
  if (output_) {
    waiting_.watch(output_.get());
  }
  sampler_.peaks().max_rss_floor_bytes = settings_.max_rss_floor_bytes;
  end_.max_rss_floor_bytes = settings_.max_rss_floor_bytes;
  end_.timeout = settings_.timeout;
  end_.memory_limit_bytes = settings_.memory_limit_bytes;
}

TrialSession::~TrialSession() {
  if (!command_ended_) {
    kill(settings_.command, SIGKILL);  // also where what is short keeps us from looking at its tree
  }
  if (!is_over()) {
    signal_tree(SIGKILL);
  }
}

TrialOutcome TrialSession::run() {
  meter_.start();
  while (!is_over()) {
    wait_and_serve();
  }
  drain();
  if (settings_.cgroup != nullptr) {
    settings_.cgroup->kill_all();
    end_.oom_kills = settings_.cgroup->oom_kills();
  }
  meter_.hand_over_totals();
  end_.cause = plan_.cause();
  end_.had_to_kill = plan_.had_to_kill_command();
  end_.told = meter_.told_failure();
  return decide_outcome(end_);
}

bool TrialSession::is_over() {
  return command_ended_ && (!has_children_ || plan_.is_hopeless(EndClock::now()));
}

void TrialSession::wait_and_serve() {
  for (const pollfd& entry : waiting_.wait_until(next_time())) {
    if (entry.revents != 0) {
      serve(entry.fd);
    }
  }
  if (output_ended_) {
    waiting_.forget(output_.get());
    output_.reset();
    output_ended_ = false;
  }
  meter_.tick_if_due();
  do_what_is_planned();
}

BootClock::time_point TrialSession::next_time() const {
  const auto planned = plan_.next();
  return planned ? std::min(meter_.next_tick(), BootClock::now() + (*planned - EndClock::now())) : meter_.next_tick();
}

void TrialSession::serve(int descriptor) {
  if (descriptor == signals_.descriptor()) {
    on_signals();
  } else if (descriptor == meter_.events()) {
    meter_.on_events();
  } else {
    on_output();
  }
}

void TrialSession::on_signals() {
  while (const auto signal = signals_.take()) {
    if (*signal == SIGHUP && settings_.in_foreground && !command_ended_) {
      kill(settings_.command, SIGHUP);
    } else if (*signal != SIGCHLD) {
      end_.cancel_signal = signal_name(*signal);
      plan_.cancel(EndClock::now());
    }
  }
  reap();
}

void TrialSession::on_output() {
  for (int i = 0; i < kMostReadsAtOnce && output_ && !output_ended_; ++i) {
    const ssize_t count = read(output_.get(), output_buffer_.get(), kOutputBufferBytes);
    if (count > 0) {
      writer_.add_output({output_buffer_.get(), static_cast<std::size_t>(count)});
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      output_ended_ = true;  // nobody holds the other end any more
    } else {
      return;
    }
  }
}

void TrialSession::reap() {
  for (;;) {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
      has_children_ = errno != ECHILD;
      return;
    }
    if (info.si_pid == 0) {
      return;
    }
    const bool is_command = info.si_pid == settings_.command;
    if (is_command) {
      on_command_ended();
    }
    rusage usage{};
    int status = 0;
    if (wait4(info.si_pid, &status, 0, &usage) != info.si_pid) {
      return;
    }
    sampler_.tree().add_reaped(info.si_pid, usage);
    if (is_command) {
      end_.wait_status = status;
      end_.usage = usage;
      sampler_.peaks().max_rss_bytes = std::int64_t{usage.ru_maxrss} * 1024;
    }
  }
}

// The command is a zombie: its memory is given back, its counters are still there.
void TrialSession::on_command_ended() {
  end_.ended_ns = meter_.end();
  if (const auto stat = reader_.read_stat(settings_.command)) {
    sampler_.peaks().has_waited_for_children = stat->children_minor_faults > 0 || stat->children_major_faults > 0;
  }
  command_ended_ = true;
  plan_.command_ended(EndClock::now());
}

void TrialSession::do_what_is_planned() {
  if (is_over()) {
    return;
  }
  switch (plan_.take_due(EndClock::now())) {
    case EndAction::terminate_command:
      kill(settings_.command, SIGTERM);
      kill(settings_.command, SIGCONT);  // one that is stopped could not end
      break;
    case EndAction::terminate_tree:
      signal_tree(SIGTERM);
      end_.outlived = static_cast<std::int64_t>(sampler_.tree().living().size());
      signal_tree(SIGCONT);
      break;
    case EndAction::kill_tree:
      signal_tree(SIGKILL);
      break;
    case EndAction::none:
      break;
  }
}

void TrialSession::signal_tree(int signal) {
  if (signal == SIGKILL && settings_.cgroup != nullptr) {
    settings_.cgroup->kill_all();
  }
  sampler_.tree().refresh(BootClock::now());
  for (const ProcessId& process : sampler_.tree().living()) {
    send_signal(reader_, process, signal);
  }
}

void TrialSession::drain() {
  for (int i = 0; i < kLastRounds; ++i) {
    meter_.on_events();
    on_output();
  }
  if (has_children_) {
    sampler_.tree().refresh(BootClock::now());
    end_.unkillable = static_cast<std::int64_t>(sampler_.tree().living().size());
  }
}

}  // namespace memtrack
