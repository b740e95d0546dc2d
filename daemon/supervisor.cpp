#include "daemon/supervisor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <exception>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "daemon/children.h"
#include "daemon/patience.h"
#include "daemon/processes.h"
#include "daemon/running_trial.h"
#include "storage/paths.h"
#include "storage/query.h"
#include "storage/trial_lock.h"

namespace memtrack {
namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kJobs = 1;
constexpr auto kLookEvery = seconds(5);             // at the database, when nobody rings
constexpr auto kLookAgainSoon = milliseconds(100);  // at a trial of which nothing can be said yet
constexpr auto kPauseAfterFailedStart = seconds(2);

const std::string kEndedUnrecorded = "ended without recording the outcome";

struct Watched {
  Trial trial;
  asio::posix::stream_descriptor collector;  // a pidfd
  pid_t child = 0;                           // 0: adopted, its parent is somebody else
  bool takes_a_job = true;                   // false: a `memtrack run` beside the queue
};

struct FinalState {
  TrialState state;
  std::string reason;
};

std::optional<FinalState> read_final_state(Database& database, std::int64_t trial_id) {
  const ResultTable found =
      query(database, "SELECT state, coalesce(reason, '') FROM trials WHERE trial_id = ?1", {Value(trial_id)});
  if (found.rows.empty()) {
    return std::nullopt;
  }
  return FinalState{parse_trial_state(std::get<std::string>(found.rows[0][0])),
                    std::get<std::string>(found.rows[0][1])};
}

ChildProgram collector_for(const fs::path& program, const fs::path& database, const Trial& trial,
                           const TrialLock& lock) {
  ChildProgram child{.program = program,
                     .arguments = {"--db", database.string(), "--trial", std::to_string(trial.trial_id), "--lock-fd",
                                   std::to_string(lock.descriptor())}};
  if (const fs::path environment = environment_path(database, trial.sweep_id); fs::exists(environment)) {
    child.arguments.insert(child.arguments.end(), {"--environment", environment.string()});
  }
  child.arguments.insert(child.arguments.end(), {"--log", trial_log_path(database, trial.trial_id).string()});
  return child;
}

}  // namespace

struct Supervisor::State : std::enable_shared_from_this<State> {
  State(asio::io_context& io, Children& our_children, Database& the_database, SupervisorOptions the_options)
      : context(io),
        children(our_children),
        database(the_database),
        options(std::move(the_options)),
        collector_program(sibling_program("memtrack-collector")),
        bell(io) {}

  asio::awaitable<void> run();
  asio::awaitable<std::size_t> look_at_running_trials();
  asio::awaitable<bool> treat(const Trial& trial);
  asio::awaitable<bool> start_next();
  std::optional<TrialLock> try_lock(const Trial& trial);
  asio::awaitable<std::optional<TrialLock>> lock_claimed(const Trial& trial);
  asio::awaitable<void> start(Trial trial, TrialLock lock);
  asio::awaitable<void> wait_for_bell(std::chrono::steady_clock::duration limit);
  void watch(const Trial& trial, FileDescriptor collector, pid_t child, bool takes_a_job);
  asio::awaitable<void> follow(std::shared_ptr<Watched> watched);
  asio::awaitable<void> settle(Trial trial, std::string collector_end);
  asio::awaitable<std::size_t> end_tree(Trial trial);
  asio::awaitable<void> end_lost(Trial trial, std::string collector_end);
  bool cancel_running(const Trial& trial);

  template <typename Work>
  auto patiently(Work work) {
    return with_patience(std::move(work), options.on_trouble);
  }
  void spawn(asio::awaitable<void> work);
  void ring() {
    rung = true;
    bell.cancel();
  }
  void tell(TrialStep step, const Trial& trial, TrialState state = TrialState::running, const std::string& reason = {});
  void complain(const std::string& trouble) const {
    if (options.on_trouble) {
      options.on_trouble(trouble);
    }
  }
  std::size_t busy_jobs() const;

  asio::io_context& context;
  Children& children;
  Database& database;
  SupervisorOptions options;
  fs::path collector_program;
  asio::steady_timer bell;
  std::map<std::int64_t, std::shared_ptr<Watched>> watched;
  std::set<std::int64_t> cancelled;  // running trials whose end was asked for
  std::string lock_trouble;          // said once
  bool rung = false;                 // since the queue was last looked at
  bool stopping = false;
  bool finished = false;
};

// Errors that do not pass leave context.run().
void Supervisor::State::spawn(asio::awaitable<void> work) {
  asio::co_spawn(context, std::move(work), [self = shared_from_this()](const std::exception_ptr& error) {
    if (error) {
      std::rethrow_exception(error);
    }
  });
}

void Supervisor::State::tell(TrialStep step, const Trial& trial, TrialState state, const std::string& reason) {
  if (options.on_news) {
    options.on_news({.step = step, .trial = trial, .state = state, .reason = reason});
  }
}

std::size_t Supervisor::State::busy_jobs() const {
  std::size_t busy = 0;
  for (const auto& [id, one] : watched) {
    busy += one->takes_a_job ? 1 : 0;
  }
  return busy;
}

asio::awaitable<void> Supervisor::State::run() {
  while (!stopping) {
    rung = false;
    const std::size_t undecided = co_await look_at_running_trials();
    if (!stopping && busy_jobs() + undecided < kJobs) {
      if (co_await start_next()) {
        continue;
      }
      if (options.exit_when_idle && !stopping) {
        break;
      }
    }
    if (!stopping) {
      co_await wait_for_bell(undecided > 0 ? std::chrono::steady_clock::duration(kLookAgainSoon) : kLookEvery);
    }
  }
  finished = true;
}

asio::awaitable<void> Supervisor::State::wait_for_bell(std::chrono::steady_clock::duration limit) {
  if (rung) {
    co_return;
  }
  bell.expires_after(limit);
  boost::system::error_code cancelled_by_ring;
  co_await bell.async_wait(asio::redirect_error(asio::use_awaitable, cancelled_by_ring));
}

// Takes up what runs and is not watched: left by an earlier supervisor, or begun by a `memtrack run`. Returns how many
// of the queue's trials may be running without our knowing.
asio::awaitable<std::size_t> Supervisor::State::look_at_running_trials() {
  const std::vector<Trial> running = co_await patiently([this] { return running_trials(database); });
  std::size_t undecided = 0;
  for (const Trial& trial : running) {
    if (!stopping && !watched.contains(trial.trial_id)) {
      undecided += co_await treat(trial) ? 0 : 1;
    }
  }
  co_return undecided;
}

// False: nothing can be said of this trial of the queue yet.
asio::awaitable<bool> Supervisor::State::treat(const Trial& trial) {
  RunningTrial found = co_await patiently([this, &trial] { return look_at(database, trial); });
  switch (judge(found.evidence)) {
    case Verdict::adopt:
      tell(TrialStep::adopted, trial);
      watch(trial, std::move(found.collector), 0, !found.evidence.foreground);
      break;
    case Verdict::wait:
      co_return found.evidence.foreground;
    case Verdict::put_back: {
      const std::optional<bool> done = co_await patiently([this, &trial] { return put_back(database, trial); });
      if (!done) {
        co_return false;
      }
      if (*done) {
        tell(TrialStep::put_back, trial, TrialState::queued, "it never started");
      }
      break;
    }
    case Verdict::lost:
      co_await end_lost(trial, kEndedUnrecorded);
      break;
  }
  co_return true;
}

// False: nothing is queued.
asio::awaitable<bool> Supervisor::State::start_next() {
  const std::optional<Trial> claimed =
      co_await patiently([this] { return claim_next_trial(database, options.only_sweep); });
  if (!claimed) {
    co_return false;
  }
  std::optional<TrialLock> lock = co_await lock_claimed(*claimed);
  if (lock) {
    co_await start(*claimed, std::move(*lock));
  }
  co_return true;
}

// nullopt also where the file cannot be made, for example on a full disk: that may pass too.
std::optional<TrialLock> Supervisor::State::try_lock(const Trial& trial) {
  try {
    return TrialLock::try_acquire(trial_lock_path(trial.uid));
  } catch (const std::runtime_error& error) {
    if (lock_trouble != error.what()) {
      lock_trouble = error.what();
      complain(lock_trouble);
    }
    return std::nullopt;
  }
}

// The lock of a trial that is still ours to start when we have it. nullopt: it is not.
asio::awaitable<std::optional<TrialLock>> Supervisor::State::lock_claimed(const Trial& trial) {
  std::optional<TrialLock> lock = try_lock(trial);
  while (!lock && !stopping) {
    co_await pause_for(kLookAgainSoon);
    lock = try_lock(trial);
  }
  const std::optional<Trial> now =
      co_await patiently([this, &trial] { return find_running(database, trial.trial_id); });
  if (!lock || stopping || !now || now->started_ns) {
    co_return std::nullopt;
  }
  // An owner from an earlier attempt at starting it would look like a dead collector.
  if (ftruncate(lock->descriptor(), 0) != 0) {
    complain("cannot empty the lock file of trial " + std::to_string(trial.trial_id));
  }
  co_return lock;
}

asio::awaitable<void> Supervisor::State::start(Trial trial, TrialLock lock) {
  std::string trouble;
  if (cancelled.contains(trial.trial_id)) {
    const std::string collector_end = "was not started";
    co_await settle(trial, collector_end);
    co_return;
  }
  try {
    const ChildProgram program = collector_for(collector_program, database.path(), trial, lock);
    const pid_t child = children.start_detached(program, lock.descriptor());
    tell(TrialStep::started, trial);
    watch(trial, open_process(child), child, true);
    co_return;  // and our copy of the lock is closed: the collector's alone counts
  } catch (const std::runtime_error& error) {
    trouble = error.what();
  }
  complain(fmt::format("trial {} is put back: {}", trial.trial_id, trouble));
  co_await patiently([this, &trial] { return requeue_trial(database, trial.trial_id); });
  co_await pause_for(kPauseAfterFailedStart);
}

void Supervisor::State::watch(const Trial& trial, FileDescriptor collector, pid_t child, bool takes_a_job) {
  const auto entry = std::make_shared<Watched>(
      Watched{.trial = trial, .collector = {context, collector.release()}, .child = child, .takes_a_job = takes_a_job});
  watched.insert_or_assign(trial.trial_id, entry);
  spawn(follow(entry));
}

asio::awaitable<void> Supervisor::State::follow(std::shared_ptr<Watched> entry) {
  boost::system::error_code error;
  co_await entry->collector.async_wait(asio::posix::stream_descriptor::wait_read,
                                       asio::redirect_error(asio::use_awaitable, error));
  if (error || stopping) {
    co_return;
  }
  const std::optional<int> status = entry->child > 0 ? children.take_status(entry->child) : std::nullopt;
  // Named: g++ 12 destroys temporaries of a conditional expression twice where it is part of a co_await.
  const std::string collector_end = status ? describe_wait_status(*status) : kEndedUnrecorded;
  co_await settle(entry->trial, collector_end);
  watched.erase(entry->trial.trial_id);
  ring();
}

// Its collector is gone: what stands as `running` now will never end by itself.
asio::awaitable<void> Supervisor::State::settle(Trial trial, std::string collector_end) {
  const std::optional<Trial> running =
      co_await patiently([this, &trial] { return find_running(database, trial.trial_id); });
  if (!running) {
    const std::optional<FinalState> end =
        co_await patiently([this, &trial] { return read_final_state(database, trial.trial_id); });
    remove_runtime_files(trial.uid);
    if (end) {
      tell(TrialStep::ended, trial, end->state, end->reason);
    }
  } else if (!running->started_ns && cancelled.contains(trial.trial_id)) {
    const std::string reason = "cancelled before it began";
    co_await patiently([&] { return end_trial(database, trial.trial_id, TrialState::cancelled, reason); });
    remove_runtime_files(trial.uid);
    tell(TrialStep::ended, trial, TrialState::cancelled, reason);
  } else {
    co_await end_lost(*running, std::move(collector_end));
  }
  cancelled.erase(trial.trial_id);
}

asio::awaitable<void> Supervisor::State::end_lost(Trial trial, std::string collector_end) {
  std::size_t killed = 0;
  if (!trial.is_attached) {
    killed = co_await end_tree(trial);
  }
  const std::string reason = lost_reason(collector_end, trial.started_ns.has_value(), killed);
  const bool ended = co_await patiently([&] { return end_trial(database, trial.trial_id, TrialState::lost, reason); });
  remove_runtime_files(trial.uid);
  if (ended) {
    tell(TrialStep::ended, trial, TrialState::lost, reason);
  }
}

asio::awaitable<std::size_t> Supervisor::State::end_tree(Trial trial) {
  TreeEnd end(trial.uid, trial.cgroup);
  while (!end.look(children.strays())) {
    co_await pause_for(TreeEnd::kBetweenLooks);
  }
  if (end.has_given_up()) {
    complain("what is left of a lost trial does not die: " + trial.uid);
  }
  co_return end.killed();
}

bool Supervisor::State::cancel_running(const Trial& trial) {
  cancelled.insert(trial.trial_id);
  FileDescriptor collector = open_collector(database, trial);
  if (const auto found = watched.find(trial.trial_id); !collector && found != watched.end()) {
    collector = FileDescriptor(dup(found->second->collector.native_handle()));
  }
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
}

void Supervisor::wake() {
  state_->ring();
}

void Supervisor::stop() {
  state_->stopping = true;
  state_->ring();
  for (const auto& [id, entry] : state_->watched) {
    entry->collector.cancel();
  }
}

bool Supervisor::is_finished() const {
  return state_->finished;
}

CancelCounts Supervisor::cancel_sweep(std::int64_t sweep_id) {
  CancelCounts counts{.queued = cancel_queued_trials(state_->database, sweep_id)};
  for (const Trial& trial : running_trials(state_->database)) {
    counts.signalled += trial.sweep_id == sweep_id && state_->cancel_running(trial) ? 1 : 0;
  }
  wake();
  return counts;
}

CancelCounts Supervisor::cancel_trial(std::int64_t trial_id) {
  CancelCounts counts{.queued = cancel_queued_trial(state_->database, trial_id) ? 1 : 0};
  if (const std::optional<Trial> running = find_running(state_->database, trial_id)) {
    counts.signalled = state_->cancel_running(*running) ? 1 : 0;
  }
  wake();
  return counts;
}

}  // namespace memtrack
