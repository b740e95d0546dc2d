#pragma once

// Inside daemon/ only: the supervisor's working parts. supervisor.cpp decides when to look and what to begin,
// supervisor_start.cpp starts collectors, supervisor_end.cpp watches them to their ends.

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "daemon/children.h"
#include "daemon/database_watch.h"
#include "daemon/patience.h"
#include "daemon/supervisor.h"
#include "storage/file_descriptor.h"
#include "storage/trial_lock.h"
#include "storage/trial_queue.h"

namespace memtrack {

inline constexpr auto kLookAgainSoon = std::chrono::milliseconds(100);  // at a trial of which nothing can be said yet
inline constexpr auto kLookAgainLater = std::chrono::seconds(5);
inline constexpr const char* kEndedUnrecorded = "ended without recording the outcome";

struct Watched {
  Trial trial;
  boost::asio::posix::stream_descriptor collector;  // a pidfd
  std::optional<StartedProcess> child = {};         // none: adopted, its parent is somebody else
  bool of_queue = true;                             // false: a `memtrack run` beside it
};

// An open-ended sweep of which no more trials could be drawn.
struct DrawingTrouble {
  std::string what = {};  // said once
  int failures = 0;       // in a row
  std::chrono::steady_clock::time_point again = {};
};

// How a collector ended.
struct CollectorEnd {
  std::string how = kEndedUnrecorded;  // reads on from "its collector "
  bool may_begin_later = false;        // it said that something was short
  std::optional<StartedProcess> child = {};
};

struct Supervisor::State : std::enable_shared_from_this<State> {
  template <typename T>
  using awaitable = boost::asio::awaitable<T>;
  using Duration = std::chrono::steady_clock::duration;

  State(boost::asio::io_context& io, Children& our_children, Database& the_database, SupervisorOptions the_options);

  // supervisor.cpp
  awaitable<void> run();
  awaitable<Claim> start_what_may_start();
  awaitable<void> wait_for_bell(std::optional<Duration> limit);
  awaitable<void> ring_when_written();
  void draw_ahead();
  awaitable<void> draw(std::int64_t sweep_id);
  bool is_idle(const Claim& claim) const;
  FileDescriptor else_watched(FileDescriptor collector, std::int64_t trial_id) const;
  bool cancel_running(const Trial& trial);

  // supervisor_start.cpp
  std::optional<TrialLock> try_lock(const Trial& trial);
  awaitable<std::optional<TrialLock>> lock_claimed(const Trial& trial);
  awaitable<void> start(Trial trial, TrialLock lock);

  // supervisor_end.cpp
  // Takes up what runs and is not watched: left by an earlier supervisor, or begun by a `memtrack run`. Returns when to
  // look again at those of which nothing can be said yet.
  awaitable<std::optional<Duration>> look_at_running_trials();
  awaitable<std::optional<Duration>> treat(const Trial& trial);
  boost::asio::posix::stream_descriptor watchable(FileDescriptor process);
  void watch(Watched found);
  awaitable<void> follow(std::shared_ptr<Watched> entry);
  awaitable<void> settle(Trial trial, CollectorEnd collector);
  awaitable<void> end_unbegun(Trial trial, TrialState state, std::string reason);
  awaitable<void> put_back_later(Trial trial, std::string trouble);
  awaitable<void> end_lost(Trial trial, CollectorEnd collector);
  awaitable<std::size_t> end_tree(Trial trial, std::optional<StartedProcess> collector);

  template <typename Work>
  auto patiently(Work work) {
    return with_patience(std::move(work), options.on_trouble);
  }
  void spawn(awaitable<void> work);
  void ring();
  void tell(TrialStep step, const Trial& trial, TrialState state = TrialState::running, const std::string& reason = {});
  void complain(const std::string& trouble) const;

  boost::asio::io_context& context;
  Children& children;
  Database& database;
  SupervisorOptions options;
  boost::asio::experimental::channel<void(boost::system::error_code)> bell;
  boost::asio::steady_timer alarm;  // rings where there is something to do at a time
  DatabaseWatch writes;
  std::map<std::int64_t, std::shared_ptr<Watched>> watched;
  std::set<std::int64_t> cancelled;                         // running trials whose end was asked for
  std::string lock_trouble;                                 // said once
  bool drawing = false;                                     // trials of an open-ended sweep are being drawn
  std::int64_t drawn_last = 0;                              // that sweep
  std::map<std::int64_t, DrawingTrouble> drawing_troubles;  // by sweep
  int failed_starts = 0;                                    // in a row, for want of something
  bool rung = false;                                        // since the queue was last looked at
  bool stopping = false;
  bool finished = false;
};

}  // namespace memtrack
