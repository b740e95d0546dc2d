#include "collector/trial_session.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <system_error>

#include "collector/tree_signal.h"

namespace memtrack {
namespace {

// Timeouts do not count the time that the machine is suspended.
using EndClock = std::chrono::steady_clock;

constexpr std::size_t kOutputBufferBytes = 65536;
// What is served of one source before the others get their turn.
constexpr int kMostDatagramsAtOnce = 64;
constexpr int kMostReadsAtOnce = 16;
// What is still taken of each when the trial is over: somebody who escaped may go on writing.
constexpr int kLastRounds = 64;
constexpr std::chrono::milliseconds kTotalsEvery(400);
// The time spent in a phase, told while it lasts: each time is a page more to write.
constexpr std::chrono::seconds kPhaseTotalsEvery(10);

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

timespec to_timespec(std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
}

}  // namespace

TrialSession::TrialSession(const SessionSettings& settings, CollectorSignals& signals, EventSocket& events,
                           FileDescriptor output, ProcReader& reader, TrialClock& clock, TrialWriter& writer)
    : settings_(settings),
      signals_(signals),
      events_(events),
      output_(std::move(output)),
      reader_(reader),
      clock_(clock),
      writer_(writer),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)),
      sampler_(reader, TreeRoot::of_collector(getpid()), settings.interval, settings.cgroup),
      plan_(EndClock::now(), settings.timeout),
      output_buffer_(std::make_unique_for_overwrite<char[]>(kOutputBufferBytes)) {
  if (!epoll_ || !timer_) {
    fail("cannot make a timer");
  }
  watch(timer_.get());
  watch(signals_.descriptor());
  watch(events_.descriptor());
  if (output_) {
    watch(output_.get());
  }
  sampler_.peaks().max_rss_floor_bytes = settings_.max_rss_floor_bytes;
  end_.timeout = settings_.timeout;
  end_.memory_limit_bytes = settings_.memory_limit_bytes;
}

TrialSession::~TrialSession() {
  if (!is_over()) {
    signal_tree(SIGKILL);
  }
}

TrialOutcome TrialSession::run() {
  start_ticking();
  take_sample(SampleKind::start, BootClock::now());
  while (!is_over()) {
    wait_and_serve();
  }
  drain();
  if (settings_.cgroup != nullptr) {
    settings_.cgroup->kill_all();
    end_.oom_kills = settings_.cgroup->oom_kills();
  }
  hand_over_totals();
  end_.cause = plan_.cause();
  end_.had_to_kill = plan_.had_to_kill_command();
  return decide_outcome(end_);
}

void TrialSession::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
    fail("cannot watch a descriptor");
  }
}

void TrialSession::start_ticking() {
  first_tick_ = BootClock::now() + settings_.interval;
  const itimerspec times{.it_interval = to_timespec(settings_.interval),
                         .it_value = to_timespec(first_tick_.time_since_epoch())};
  if (timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &times, nullptr) != 0) {
    fail("cannot set the timer");
  }
}

bool TrialSession::is_over() {
  return command_ended_ && (!has_children_ || plan_.is_hopeless(EndClock::now()));
}

void TrialSession::wait_and_serve() {
  int wait_ms = -1;
  if (const auto next = plan_.next()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - EndClock::now()).count();
    wait_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
  }
  std::array<epoll_event, 4> ready{};
  const int count = epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), wait_ms);
  if (count < 0 && errno != EINTR) {
    fail("cannot wait for the trial");
  }
  for (int i = 0; i < count; ++i) {
    serve(ready[static_cast<std::size_t>(i)].data.fd);
  }
  do_what_is_planned();
}

void TrialSession::serve(int descriptor) {
  if (descriptor == timer_.get()) {
    on_tick();
  } else if (descriptor == signals_.descriptor()) {
    on_signals();
  } else if (descriptor == events_.descriptor()) {
    on_events();
  } else {
    on_output();
  }
}

void TrialSession::on_tick() {
  std::uint64_t expirations = 0;
  if (read(timer_.get(), &expirations, sizeof expirations) != sizeof expirations) {
    return;
  }
  ticks_ += static_cast<std::int64_t>(expirations);
  late_ticks_ += static_cast<std::int64_t>(expirations) - 1;
  if (!command_ended_) {
    take_sample(SampleKind::tick, first_tick_ + (ticks_ - 1) * settings_.interval);
  }
}

void TrialSession::on_signals() {
  while (const auto signal = signals_.take()) {
    if (*signal == SIGHUP && settings_.in_foreground) {
      kill(settings_.command, SIGHUP);
    } else if (*signal != SIGCHLD) {
      end_.cancel_signal = signal_name(*signal);
      plan_.cancel(EndClock::now());
    }
  }
  reap();
}

void TrialSession::on_events() {
  for (int i = 0; i < kMostDatagramsAtOnce; ++i) {
    const auto datagram = events_.receive();
    if (!datagram) {
      return;
    }
    take_event(*datagram);
  }
}

void TrialSession::take_event(const EventSocket::Datagram& datagram) {
  if (datagram.is_oversize) {
    tally_.count_oversize();
    return;
  }
  auto event = tally_.take(datagram.text);
  if (!event) {
    return;
  }
  const BootClock::time_point now = BootClock::now();
  const std::int64_t now_ns = clock_.at(now);
  const auto* phase = std::get_if<PhaseEvent>(&event->what);
  if (phase != nullptr && !command_ended_ && phases_.is_boundary(phase->name)) {
    take_sample(SampleKind::phase, now);  // the last of the phase that ends
    phases_.enter(phase->name, now_ns);
    next_phase_totals_ = {};
  }
  writer_.add(ReceivedEvent{.time_ns = now_ns, .phase = phases_.current(), .event = std::move(*event)});
}

void TrialSession::on_output() {
  for (int i = 0; i < kMostReadsAtOnce && output_; ++i) {
    const ssize_t count = read(output_.get(), output_buffer_.get(), kOutputBufferBytes);
    if (count > 0) {
      writer_.add_output({output_buffer_.get(), static_cast<std::size_t>(count)});
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      output_.reset();  // nobody holds the other end any more
    } else {
      return;
    }
  }
}

void TrialSession::take_sample(SampleKind kind, BootClock::time_point due) {
  const BootClock::time_point now = BootClock::now();
  Sample sample;
  sample.kind = kind;
  sample.phase = phases_.current();
  sample.time_ns = clock_.next(now);
  sampler_.read(sample, due);
  writer_.add(std::move(sample), sampler_.take_process_rows());
  if (now >= next_totals_) {
    next_totals_ = now + kTotalsEvery;
    hand_over_totals();
  }
}

void TrialSession::hand_over_totals() {
  TrialTotals totals;
  totals.late_ticks = late_ticks_;
  totals.events_malformed = tally_.malformed();
  totals.events_missing = tally_.missing();
  const BootClock::time_point now = BootClock::now();
  if (command_ended_ || now >= next_phase_totals_) {
    next_phase_totals_ = now + kPhaseTotalsEvery;
    phase_ns_ = phases_.totals(command_ended_ ? end_.ended_ns : clock_.at(now));
  }
  totals.phase_ns = phase_ns_;
  totals.pss_skipped = sampler_.pss_skipped();
  sampler_.peaks().high_water = sampler_.tree().high_water();
  if (settings_.cgroup != nullptr) {
    sampler_.peaks().cgroup_bytes = settings_.cgroup->peak_bytes();
  }
  decide_peaks(sampler_.peaks(), totals);
  writer_.set_totals(std::move(totals));
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
  for (int i = 0; i < kLastRounds; ++i) {
    on_events();  // what it sent before its end belongs to the phases before it
  }
  take_sample(SampleKind::final, BootClock::now());
  if (const auto stat = reader_.read_stat(settings_.command)) {
    sampler_.peaks().has_waited_for_children = stat->children_minor_faults > 0 || stat->children_major_faults > 0;
  }
  timer_.reset();
  end_.ended_ns = clock_.at(BootClock::now());
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
    on_events();
    on_output();
  }
  if (has_children_) {
    sampler_.tree().refresh(BootClock::now());
    end_.unkillable = static_cast<std::int64_t>(sampler_.tree().living().size());
  }
}

}  // namespace memtrack
