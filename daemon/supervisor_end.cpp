// From a running trial, ours or found, to its end.

#include <sys/wait.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "daemon/processes.h"
#include "daemon/running_trial.h"
#include "daemon/supervisor_state.h"
#include "storage/query.h"
#include "storage/shortage.h"

namespace memtrack {
namespace asio = boost::asio;
namespace {

using Duration = std::chrono::steady_clock::duration;

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

}  // namespace

asio::awaitable<std::optional<Duration>> Supervisor::State::look_at_running_trials() {
  const std::vector<Trial> running = co_await patiently([this] { return running_trials(database); });
  std::optional<Duration> look_again;
  for (const Trial& trial : running) {
    if (stopping || watched.contains(trial.trial_id)) {
      continue;
    }
    if (const std::optional<Duration> wait = co_await treat(trial)) {
      look_again = std::min(look_again.value_or(*wait), *wait);
    }
  }
  co_return look_again;
}

// nullopt: it is watched, or over, or queued again.
asio::awaitable<std::optional<Duration>> Supervisor::State::treat(const Trial& trial) {
  RunningTrial found = co_await patiently([this, &trial] { return look_at(database, trial); });
  switch (judge(found.evidence)) {
    case Verdict::adopt:
      tell(TrialStep::adopted, trial);
      watch({.trial = trial,
             .collector = watchable(std::move(found.collector)),
             .child = {},
             .of_queue = !found.evidence.foreground});
      break;
    case Verdict::wait: {
      const Duration wait =
          found.evidence.foreground && !found.evidence.lock_held ? Duration(kLookAgainLater) : Duration(kLookAgainSoon);
      co_return wait;
    }
    case Verdict::put_back: {
      const std::optional<bool> done = co_await patiently([this, &trial] { return put_back(database, trial); });
      if (!done) {
        co_return kLookAgainSoon;
      }
      if (*done) {
        tell(TrialStep::put_back, trial, TrialState::queued, "it never started");
      }
      break;
    }
    case Verdict::lost: {
      const CollectorEnd unseen;
      co_await end_lost(trial, unseen);
      break;
    }
  }
  co_return std::nullopt;
}

asio::posix::stream_descriptor Supervisor::State::watchable(FileDescriptor process) {
  asio::posix::stream_descriptor descriptor(context);
  descriptor.assign(process.get());  // throws where no room is left to watch it
  process.release();
  return descriptor;
}

void Supervisor::State::watch(Watched found) {
  const auto entry = std::make_shared<Watched>(std::move(found));
  watched.insert_or_assign(entry->trial.trial_id, entry);
  spawn(follow(entry));
}

asio::awaitable<void> Supervisor::State::follow(std::shared_ptr<Watched> entry) {
  boost::system::error_code error;
  co_await entry->collector.async_wait(asio::posix::stream_descriptor::wait_read,
                                       asio::redirect_error(asio::use_awaitable, error));
  if (error || stopping) {
    co_return;
  }
  CollectorEnd collector;
  collector.child = entry->child;
  if (const std::optional<int> status = entry->child ? children.take_status(entry->child->pid) : std::nullopt) {
    collector.how = describe_wait_status(*status);
    collector.may_begin_later = WIFEXITED(*status) && WEXITSTATUS(*status) == kShortageExitCode;
  }
  co_await settle(entry->trial, collector);
  watched.erase(entry->trial.trial_id);
  ring();
}

// Its collector is gone: what stands as `running` now will never end by itself.
asio::awaitable<void> Supervisor::State::settle(Trial trial, CollectorEnd collector) {
  const std::optional<Trial> running =
      co_await patiently([this, &trial] { return find_running(database, trial.trial_id); });
  if (!running) {
    const std::optional<FinalState> end =
        co_await patiently([this, &trial] { return read_final_state(database, trial.trial_id); });
    remove_files(trial, database.path());
    if (end) {
      tell(TrialStep::ended, trial, end->state, end->reason);
    }
  } else if (!running->started_ns && cancelled.contains(trial.trial_id)) {
    const std::string reason = "cancelled before it began";
    co_await end_unbegun(trial, TrialState::cancelled, reason);
  } else if (!running->started_ns && collector.may_begin_later) {
    co_await put_back_later(*running, "its collector " + collector.how + ", and said why");
    co_return;
  } else {
    co_await end_lost(*running, collector);
  }
  failed_starts = 0;
  cancelled.erase(trial.trial_id);
}

asio::awaitable<void> Supervisor::State::end_unbegun(Trial trial, TrialState state, std::string reason) {
  co_await patiently([&] { return end_trial(database, trial.trial_id, state, reason); });
  remove_files(trial, database.path());
  tell(TrialStep::ended, trial, state, reason);
}

asio::awaitable<void> Supervisor::State::end_lost(Trial trial, CollectorEnd collector) {
  std::size_t killed = 0;
  if (!trial.is_attached) {
    killed = co_await end_tree(trial, collector.child);
  }
  const std::string reason = lost_reason(collector.how, trial.started_ns.has_value(), killed);
  remove_files(trial, database.path());  // before the end, since nobody looks at what an ended trial left
  const bool ended = co_await patiently([&] { return end_trial(database, trial.trial_id, TrialState::lost, reason); });
  if (ended) {
    tell(TrialStep::ended, trial, TrialState::lost, reason);
  }
}

// Orphans come to us where the collector was our child.
asio::awaitable<std::size_t> Supervisor::State::end_tree(Trial trial, std::optional<StartedProcess> collector) {
  TreeEnd end(trial.uid, trial.cgroup);
  const auto look = [&] {
    return end.look(collector ? children.orphans_of(*collector, trial.uid) : std::vector<pid_t>());
  };
  while (!co_await patiently(look)) {
    co_await pause_for(TreeEnd::kBetweenLooks);
  }
  if (end.has_given_up()) {
    complain("what is left of a lost trial does not die: " + trial.uid);
  }
  co_return end.killed();
}

}  // namespace memtrack
