#include "daemon/service.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <exception>
#include <iostream>
#include <iterator>
#include <optional>

#include "daemon/api.h"
#include "daemon/children.h"
#include "daemon/database_guard.h"
#include "daemon/drawing.h"
#include "daemon/http_server.h"
#include "daemon/patience.h"
#include "daemon/processes.h"
#include "daemon/supervisor.h"
#include "storage/paths.h"
#include "sweeps/sweep.h"

namespace memtrack {
namespace asio = boost::asio;
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The service's one thread waits no longer than this for a lock; then it does other things and comes back by timer.
constexpr auto kBusyTimeout = milliseconds(5);
constexpr auto kPatienceAtStart = seconds(10);  // with what cannot be opened: most likely it is a wrong path
constexpr auto kBetweenLooks = milliseconds(20);

void warn(const std::string& trouble) {
  spdlog::warn("{}", trouble);
}

// What may change while we run.
void put_in_force(const Settings& settings) {
  spdlog::set_level(settings.log_level);
}

void log_news(const TrialNews& news) {
  const std::int64_t id = news.trial.trial_id;
  switch (news.step) {
    case TrialStep::started:
      spdlog::info("trial {} of sweep {} started", id, news.trial.sweep_id);
      break;
    case TrialStep::adopted:
      spdlog::info("trial {} runs already under its collector; watching it", id);
      break;
    case TrialStep::put_back:
      spdlog::info("trial {} is queued again: {}", id, news.reason);
      break;
    case TrialStep::ended:
      spdlog::info("trial {} ended: {}{}{}", id, to_string(news.state), news.reason.empty() ? "" : ", ", news.reason);
      break;
  }
}

class Service {
 public:
  explicit Service(const ServiceOptions& options)
      : options_(options),
        guard_(guard_database(options.settings.database)),
        children_(context_),
        stop_signals_(context_, SIGTERM, SIGINT),
        hang_up_(context_, SIGHUP) {}

  void run();

 private:
  asio::awaitable<void> start();
  asio::awaitable<Database> open_database() const;
  asio::awaitable<void> stop();
  asio::awaitable<void> feed_watchdog(std::chrono::microseconds limit);
  bool has_work_left() const;
  void find_running();
  void cancel_running();
  void take_stop_signal(int signal);
  void spawn(asio::awaitable<void> work);
  void wait_for_stop();
  void wait_for_hang_up();
  void reload();

  ServiceOptions options_;
  TrialLock guard_;
  asio::io_context context_;
  Children children_;
  asio::signal_set stop_signals_;
  asio::signal_set hang_up_;
  ServiceFigures figures_;
  std::optional<Database> database_;
  std::optional<Supervisor> supervisor_;
  std::optional<ApiContext> api_;
  std::optional<HttpServer> server_;

  // From the first stop signal on.
  int stop_signals_taken_ = 0;
  std::chrono::steady_clock::time_point requests_deadline_;
  std::chrono::steady_clock::time_point trials_deadline_;
  std::vector<FileDescriptor> collectors_;  // of the trials that run on
};

void Service::spawn(asio::awaitable<void> work) {
  asio::co_spawn(context_, std::move(work), [](const std::exception_ptr& error) {
    if (error) {
      std::rethrow_exception(error);
    }
  });
}

void Service::run() {
  wait_for_stop();
  wait_for_hang_up();
  spawn(start());
  context_.run();
}

// One that another program holds is waited for, however long that takes: after an upgrade the schema may have to
// change.
asio::awaitable<Database> Service::open_database() const {
  const auto open = [this] { return Database::open_for_writing(options_.settings.database, kBusyTimeout); };
  for (;;) {
    try {
      co_return co_await with_patience(open, warn, kPatienceAtStart);
    } catch (const StorageError& error) {
      if (!error.is_locked()) {
        throw;
      }
    }
  }
}

asio::awaitable<void> Service::start() {
  database_ = co_await open_database();
  figures_.drain = options_.settings.drain;
  SupervisorOptions supervision;
  supervision.log_cap_bytes = options_.settings.log_cap_bytes;
  supervision.on_news = [this](const TrialNews& news) {
    figures_.count(news);
    log_news(news);
  };
  supervision.on_trouble = warn;
  supervisor_.emplace(context_, children_, *database_, supervision);
  const ChildProgram submitter{.program = sibling_program("memtrackd"),
                               .arguments = {"--submit", "--db", options_.settings.database.string()}};
  api_.emplace(ApiContext{.context = context_,
                          .children = children_,
                          .database = *database_,
                          .supervisor = *supervisor_,
                          .figures = figures_,
                          .submitter = submitter,
                          .on_trouble = warn});
  const auto listen = [this] {
    server_.emplace(context_, options_.settings.socket, api_routes(*api_), HttpLimits{}, warn);
    return true;
  };
  co_await with_patience(listen, warn, kPatienceAtStart);
  server_->start();
  supervisor_->start();
  spdlog::info("memtrackd {} (process {}) listens on {}, database {}", MEMTRACK_VERSION, getpid(),
               options_.settings.socket.string(), options_.settings.database.string());
  sd_notify(0, "READY=1");
  if (std::uint64_t limit_us = 0; sd_watchdog_enabled(0, &limit_us) > 0) {
    spawn(feed_watchdog(std::chrono::microseconds(limit_us)));
  }
}

// The first signal ends the service and leaves running trials to their collectors, after a moment in which a second one
// cancels them; a third does not wait for their end.
asio::awaitable<void> Service::stop() {
  using std::chrono::microseconds;
  const auto now = std::chrono::steady_clock::now();
  requests_deadline_ = now + kPatienceWithRequests;
  trials_deadline_ = now + options_.settings.drain;
  const auto longest = std::chrono::duration_cast<microseconds>(longest_end(options_.settings.drain));
  sd_notify(0, fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", longest.count()).c_str());
  if (supervisor_) {
    supervisor_->stop();
    find_running();
  }
  if (server_) {
    server_->stop();
  }
  if (!collectors_.empty()) {
    spdlog::info("running trials of the queue: {}; waiting {} for them, and another signal cancels them",
                 collectors_.size(), format_duration(options_.settings.drain));
  }
  while (has_work_left()) {
    co_await pause_for(kBetweenLooks);
  }
  context_.stop();
}

bool Service::has_work_left() const {
  const auto now = std::chrono::steady_clock::now();
  const bool answers = server_ && server_->requests_under_way() > 0 && now < requests_deadline_;
  const bool trains = now < trials_deadline_ && !std::ranges::all_of(collectors_, has_ended);
  return stop_signals_taken_ < 3 && (answers || trains);
}

void Service::find_running() {
  try {
    collectors_ = supervisor_->collectors_of_queue();
  } catch (const std::exception& error) {  // a locked database, no descriptor left: no reason not to end
    warn(fmt::format("cannot tell which trials run: {}", error.what()));
  }
}

void Service::cancel_running() {
  find_running();
  for (const FileDescriptor& collector : collectors_) {
    send_signal(collector, SIGTERM);
  }
  trials_deadline_ = std::chrono::steady_clock::now() + kPatienceWithCancelled;
}

void Service::take_stop_signal(int signal) {
  ++stop_signals_taken_;
  if (stop_signals_taken_ == 1) {
    spdlog::info("signal {}: stopping; running trials go on under their collectors", signal);
    spawn(stop());
  } else if (stop_signals_taken_ == 2 && supervisor_) {
    spdlog::info("signal {} again: cancelling the running trials", signal);
    cancel_running();
  }
}

void Service::wait_for_stop() {
  stop_signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (!error) {
      take_stop_signal(signal);
      wait_for_stop();
    }
  });
}

// Told twice in the time in which systemd wants to hear of us. A loop that hangs does not come here.
asio::awaitable<void> Service::feed_watchdog(std::chrono::microseconds limit) {
  while (true) {
    sd_notify(0, "WATCHDOG=1");
    co_await pause_for(limit / 2);
  }
}

void Service::wait_for_hang_up() {
  hang_up_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) {
      reload();
      wait_for_hang_up();
    }
  });
}

// What is wrong in the file now must not end the service: then all stays as it was.
void Service::reload() {
  try {
    const Settings now = load_settings(options_.sources).values;
    for (const Setting* setting : changed_settings(options_.settings, now)) {
      spdlog::info("SIGHUP: {} is {} now, and was {}{}", setting->name, setting->show(now),
                   setting->show(options_.settings), setting->reloadable ? "" : "; that takes a restart");
    }
    take_reloadable(options_.settings, now);
    put_in_force(options_.settings);
    figures_.drain = options_.settings.drain;
    spdlog::info("SIGHUP: the settings were read again");
  } catch (const std::runtime_error& error) {
    spdlog::error("SIGHUP: the settings stay as they were: {}", error.what());
  }
}

}  // namespace

int run_service(const ServiceOptions& options) {
  if (options.submit) {
    const std::string request{std::istreambuf_iterator<char>(std::cin), {}};
    std::cout << run_submitter(options.settings.database, request) << std::flush;
    return EXIT_SUCCESS;
  }
  if (options.draw) {
    std::cout << draw_trials(options.settings.database, *options.draw) << std::flush;
    return EXIT_SUCCESS;
  }
  put_in_force(options.settings);
  Service(options).run();
  return EXIT_SUCCESS;
}

int exit_code_of(const std::exception& error) {
  constexpr int kNoUseToTryAgain = 78;
  const auto* storage = dynamic_cast<const StorageError*>(&error);
  return storage != nullptr && !storage->is_transient() ? kNoUseToTryAgain : EXIT_FAILURE;
}

}  // namespace memtrack
