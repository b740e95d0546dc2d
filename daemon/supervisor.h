#pragma once

// The queue: claims one trial after the other in the order of trial_id, starts its collector, watches it to its end.
// A collector outlives its supervisor: whoever supervises next finds it by its lock and watches on.
//
// In memtrackd it lives as long as the service. `memtrack sweep --local` runs the same queue for one sweep:
//
//   run_queue(database_path, {.only_sweep = 3, .exit_when_idle = true, .on_news = show, .on_trouble = warn});

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/file_descriptor.h"
#include "storage/trial_store.h"
#include "sweeps/trial_state.h"

namespace boost::asio {
class io_context;
}

namespace memtrack {

class Children;

// started: its collector was started by us. adopted: it ran when we came. put_back: it never started, and is queued
// again. ended: it will not change any more.
enum class TrialStep { started, adopted, put_back, ended };

struct TrialNews {
  TrialStep step = TrialStep::started;
  Trial trial;
  TrialState state = TrialState::running;
  std::string reason;  // one sentence where there is something to say
};

struct SupervisorOptions {
  std::optional<std::int64_t> only_sweep = {};          // none: the whole queue
  bool exit_when_idle = false;                          // end when nothing is queued or running any more
  std::int64_t log_cap_bytes = std::int64_t{64} << 20;  // of what one trial prints, the newest is kept
  std::function<void(const TrialNews&)> on_news = {};
  // What went wrong and is tried again: a locked database, a collector that could not be started. One sentence each.
  std::function<void(const std::string&)> on_trouble = {};
};

struct CancelCounts {
  std::int64_t queued = 0;     // trials that will not begin
  std::int64_t signalled = 0;  // collectors that were sent SIGTERM
};

// Everything happens on the thread that runs `context`. Database errors that may pass are waited out by timer; others
// leave context.run() as StorageError.
class Supervisor {
 public:
  // `database` with a short busy timeout, since its waits block `context`. All three outlive the supervisor.
  Supervisor(boost::asio::io_context& context, Children& children, Database& database, SupervisorOptions options);
  ~Supervisor();  // running trials go on under their collectors
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Recovers what an earlier supervisor left, then runs the queue.
  void start();
  // The queue may have changed: look now.
  void wake();
  // Starts and watches no more; running trials go on under their collectors.
  void stop();
  // After `exit_when_idle`, or stop(): nothing is under way here any more.
  bool is_finished() const;

  // The living collectors of the queue's running trials, held by pidfd. Those of `memtrack run` and `attach` are their
  // callers' and none of ours.
  std::vector<FileDescriptor> collectors_of_queue();

  // To be followed by wake(). A StorageError that may pass leaves part of it undone: the same call may be made again.
  CancelCounts cancel_sweep(std::int64_t sweep_id);
  CancelCounts cancel_trial(std::int64_t trial_id);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

// The same in a process of its own, to the end: opens the database, refuses where someone else supervises it, runs the
// queue until it is idle. SIGINT and SIGTERM: the first cancels the running trials and what is queued of `only_sweep`
// and waits for them, the second leaves at once. Returns the first signal, 0 where none came.
int run_queue(const std::filesystem::path& database, SupervisorOptions options);

}  // namespace memtrack
