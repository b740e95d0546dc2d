#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <exception>
#include <utility>

#include "daemon/children.h"
#include "daemon/database_guard.h"
#include "daemon/patience.h"
#include "daemon/supervisor.h"
#include "storage/trial_queue.h"

namespace memtrack {
namespace asio = boost::asio;
namespace {

// What is queued of the sweep will not run, what runs is asked to end.
CancelCounts cancel_all(Supervisor& supervisor, Database& database, std::optional<std::int64_t> only_sweep) {
  if (only_sweep) {
    return supervisor.cancel_sweep(*only_sweep);
  }
  CancelCounts counts;
  for (const Trial& trial : running_trials(database)) {
    counts.signalled += supervisor.cancel_trial(trial.trial_id).signalled;
  }
  return counts;
}

asio::awaitable<void> cancel(Supervisor& supervisor, Database& database, const SupervisorOptions& options) {
  co_await with_patience([&] { return cancel_all(supervisor, database, options.only_sweep); }, options.on_trouble);
  supervisor.wake();
}

}  // namespace

int run_queue(const std::filesystem::path& path, SupervisorOptions options) {
  const TrialLock guard = guard_database(path);
  Database database = Database::open_for_writing(path, std::chrono::seconds(2));
  asio::io_context context;
  Children children(context);
  options.exit_when_idle = true;
  Supervisor supervisor(context, children, database, options);

  asio::signal_set signals(context, SIGINT, SIGTERM);
  int first_signal = 0;
  bool leaves_at_once = false;
  const auto on_second = [&](const boost::system::error_code& error, int) { leaves_at_once = !error; };
  signals.async_wait([&](const boost::system::error_code& error, int signal) {
    if (!error) {
      first_signal = signal;
      signals.async_wait(on_second);
      asio::co_spawn(context, cancel(supervisor, database, options), [](const std::exception_ptr& failure) {
        if (failure) {
          std::rethrow_exception(failure);
        }
      });
    }
  });

  supervisor.start();
  while (!supervisor.is_finished() && !leaves_at_once) {
    context.run_one();
  }
  return first_signal;
}

}  // namespace memtrack
