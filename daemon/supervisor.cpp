#include "daemon/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>
#include <utility>
#include <vector>

#include "daemon/drawing.h"
#include "daemon/processes.h"
#include "daemon/recovery.h"
#include "daemon/running_trial.h"
#include "daemon/supervisor_state.h"

namespace memtrack {
namespace asio = boost::asio;
namespace {

using Duration = std::chrono::steady_clock::duration;

std::optional<Duration> until(std::optional<std::int64_t> time_ns) {
  if (!time_ns) {
    return std::nullopt;
  }
  return std::max<Duration>(std::chrono::nanoseconds(*time_ns - now_ns()), Duration::zero());
}

std::optional<Duration> sooner(std::optional<Duration> a, std::optional<Duration> b) {
  return !a || !b ? (a ? a : b) : std::min(a, b);
}

// In turn, so that one that cannot be drawn keeps no other waiting.
std::int64_t next_to_draw(const std::vector<OpenSweep>& open, std::int64_t last) {
  const auto next = std::ranges::upper_bound(open, last, {}, &OpenSweep::sweep_id);
  return (next == open.end() ? open.front() : *next).sweep_id;
}

}  // namespace

Supervisor::State::State(asio::io_context& io, Children& our_children, Database& the_database,
                         SupervisorOptions the_options)
    : context(io),
      children(our_children),
      database(the_database),
      options(std::move(the_options)),
      bell(io),
      alarm(io),
      writes(io, the_database.path()) {}

// Errors that do not pass leave context.run().
void Supervisor::State::spawn(asio::awaitable<void> work) {
  asio::co_spawn(context, std::move(work), [self = shared_from_this()](const std::exception_ptr& error) {
    if (error) {
      std::rethrow_exception(error);
    }
  });
}

void Supervisor::State::ring() {
  rung = true;
  alarm.cancel();
  bell.try_send(boost::system::error_code());
}

void Supervisor::State::tell(TrialStep step, const Trial& trial, TrialState state, const std::string& reason) {
  if (options.on_news) {
    options.on_news({.step = step, .trial = trial, .state = state, .reason = reason});
  }
}

void Supervisor::State::complain(const std::string& trouble) const {
  if (options.on_trouble) {
    options.on_trouble(trouble);
  }
}

asio::awaitable<void> Supervisor::State::run() {
  co_await patiently([this] { return remove_leftovers(database); });
  while (!stopping) {
    rung = false;
    const std::optional<Duration> look_again = co_await look_at_running_trials();
    const Claim claim = co_await start_what_may_start();
    if (options.exit_when_idle && is_idle(claim)) {
      break;
    }
    co_await wait_for_bell(sooner(look_again, until(claim.due_ns)));
  }
  finished = true;
}

bool Supervisor::State::is_idle(const Claim& claim) const {
  return !claim.work_left && std::ranges::none_of(watched, [](const auto& entry) { return entry.second->of_queue; });
}

// Returns the claim that found nothing more.
asio::awaitable<Claim> Supervisor::State::start_what_may_start() {
  Claim claim;
  while (!stopping) {
    draw_ahead();
    claim = co_await patiently([this] { return claim_next_trial(database, options.only_sweep); });
    if (!claim.trial) {
      break;
    }
    std::optional<TrialLock> lock = co_await lock_claimed(*claim.trial);
    if (lock) {
      co_await start(*claim.trial, std::move(*lock));
    }
  }
  co_return claim;
}

// Without a limit: until it is rung. No timer is set then, since Asio looks after timers every five minutes.
asio::awaitable<void> Supervisor::State::wait_for_bell(std::optional<Duration> limit) {
  if (rung || stopping) {
    co_return;
  }
  boost::system::error_code ignored;
  if (limit) {
    alarm.expires_after(*limit);
    co_await alarm.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  } else {
    co_await bell.async_receive(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

// Others write too: a `memtrack run` begins a trial that is to be watched. As long as nobody does, nothing wakes us.
asio::awaitable<void> Supervisor::State::ring_when_written() {
  while (!stopping) {
    co_await writes.wait();
    co_await pause_for(kLookAgainLater);
    ring();
  }
}

// Trials of open-ended sweeps are drawn while others run, by a process of their own: parsing costs memory.
void Supervisor::State::draw_ahead() {
  if (drawing) {
    return;
  }
  std::vector<OpenSweep> open;
  try {
    open = sweeps_to_draw(database, options.only_sweep);
  } catch (const StorageError& error) {
    if (!error.is_transient()) {
      throw;
    }
    return;  // claiming will say so, and wait
  }
  std::erase_if(open, [this, now = std::chrono::steady_clock::now()](const OpenSweep& sweep) {
    const auto trouble = drawing_troubles.find(sweep.sweep_id);
    return trouble != drawing_troubles.end() && now < trouble->second.again;  // draw() rings then
  });
  if (!open.empty()) {
    drawing = true;
    drawn_last = next_to_draw(open, drawn_last);
    spawn(draw(drawn_last));
  }
}

asio::awaitable<void> Supervisor::State::draw(std::int64_t sweep_id) {
  const std::string what = co_await run_drawing_process(children, database.path(), sweep_id);
  drawing = false;
  if (what.empty()) {
    drawing_troubles.erase(sweep_id);
  } else {
    DrawingTrouble& trouble = drawing_troubles[sweep_id];
    if (std::exchange(trouble.what, what) != what) {
      complain(fmt::format("no more trials of sweep {} could be drawn: {}", sweep_id, what));
    }
    const std::chrono::milliseconds pause = pause_after_failed_starts(++trouble.failures);
    trouble.again = std::chrono::steady_clock::now() + pause;
    ring();  // others may be drawn meanwhile
    co_await pause_for(pause);
  }
  ring();
}

// A collector that has not written itself down yet is not found, and watched all the same. Empty: neither.
FileDescriptor Supervisor::State::else_watched(FileDescriptor collector, std::int64_t trial_id) const {
  if (const auto entry = watched.find(trial_id); !collector && entry != watched.end()) {
    return FileDescriptor(fcntl(entry->second->collector.native_handle(), F_DUPFD_CLOEXEC, 0));
  }
  return collector;
}

bool Supervisor::State::cancel_running(const Trial& trial) {
  cancelled.insert(trial.trial_id);
  const FileDescriptor collector = else_watched(open_collector(database, trial), trial.trial_id);
  // Without a collector it is being started: start() looks at `cancelled`.
  return !collector || send_signal(collector, SIGTERM);
}

Supervisor::Supervisor(asio::io_context& context, Children& children, Database& database, SupervisorOptions options)
    : state_(std::make_shared<State>(context, children, database, std::move(options))) {}

Supervisor::~Supervisor() {
  stop();
}

void Supervisor::start() {
  state_->spawn(state_->run());
  state_->spawn(state_->ring_when_written());
}

void Supervisor::wake() {
  state_->ring();
}

void Supervisor::stop() {
  state_->stopping = true;
  state_->ring();
  state_->writes.stop();
  for (const auto& [id, entry] : state_->watched) {
    entry->collector.cancel();
  }
}

std::vector<FileDescriptor> Supervisor::collectors_of_queue() {
  std::vector<FileDescriptor> collectors;
  for (const Trial& trial : running_trials(state_->database)) {
    RunningTrial found = look_at(state_->database, trial);
    FileDescriptor collector = state_->else_watched(std::move(found.collector), trial.trial_id);
    if (collector && !found.evidence.foreground) {
      collectors.push_back(std::move(collector));
    }
  }
  return collectors;
}

bool Supervisor::is_finished() const {
  return state_->finished;
}

CancelCounts Supervisor::cancel_sweep(std::int64_t sweep_id) {
  CancelCounts counts{.queued = cancel_queued_trials(state_->database, sweep_id)};
  for (const Trial& trial : running_trials(state_->database)) {
    counts.signalled += trial.sweep_id == sweep_id && state_->cancel_running(trial) ? 1 : 0;
  }
  return counts;
}

CancelCounts Supervisor::cancel_trial(std::int64_t trial_id) {
  CancelCounts counts{.queued = cancel_queued_trial(state_->database, trial_id) ? 1 : 0};
  if (const std::optional<Trial> running = find_running(state_->database, trial_id)) {
    counts.signalled = state_->cancel_running(*running) ? 1 : 0;
  }
  return counts;
}

}  // namespace memtrack
