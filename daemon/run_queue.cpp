#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <utility>

#include "daemon/children.h"
#include "daemon/database_guard.h"
#include "daemon/supervisor.h"
#include "storage/trial_queue.h"

namespace memtrack {
namespace {

// What is queued of the sweep will not run, what runs is asked to end.
void cancel_all(Supervisor& supervisor, Database& database, const SupervisorOptions& options) {
  try {
    if (options.only_sweep) {
      supervisor.cancel_sweep(*options.only_sweep);
      return;
    }
    for (const Trial& trial : running_trials(database)) {
      supervisor.cancel_trial(trial.trial_id);
    }
  } catch (const StorageError& error) {
    if (!error.is_transient()) {
      throw;
    }
    if (options.on_trouble) {
      options.on_trouble(error.what());
    }
  }
}

}  // namespace

int run_queue(const std::filesystem::path& path, SupervisorOptions options) {
  const TrialLock guard = guard_database(path);
  Database database = Database::open_for_writing(path, std::chrono::seconds(2));
  boost::asio::io_context context;
  Children children(context);
  options.exit_when_idle = true;
  Supervisor supervisor(context, children, database, options);

  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  int first_signal = 0;
  const auto on_second = [&](const boost::system::error_code& error, int) {
    if (!error) {
      supervisor.stop();
    }
  };
  signals.async_wait([&](const boost::system::error_code& error, int signal) {
    if (!error) {
      first_signal = signal;
      signals.async_wait(on_second);
      cancel_all(supervisor, database, options);
      supervisor.wake();
    }
  });

  supervisor.start();
  while (!supervisor.is_finished()) {
    context.run_one();
  }
  return first_signal;
}

}  // namespace memtrack
