#include "daemon/service.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

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
#include "daemon/http_server.h"
#include "daemon/patience.h"
#include "daemon/supervisor.h"
#include "storage/paths.h"

namespace memtrack {
namespace asio = boost::asio;
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The service's one thread waits no longer than this for a lock; then it does other things and comes back.
constexpr auto kBusyTimeout = milliseconds(100);
constexpr auto kPatienceAtStart = seconds(10);  // with a database that cannot be opened: most likely it is a wrong path
constexpr auto kPatienceWithRequests = seconds(10);  // under way at SIGTERM

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
  asio::awaitable<void> stop();
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
  std::optional<Database> database_;
  std::optional<Supervisor> supervisor_;
  std::optional<ApiContext> api_;
  std::optional<HttpServer> server_;
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

asio::awaitable<void> Service::start() {
  const auto open = [this] { return Database::open_for_writing(options_.settings.database, kBusyTimeout); };
  database_ = co_await with_patience(open, warn, kPatienceAtStart);
  SupervisorOptions supervision;
  supervision.on_news = log_news;
  supervision.on_trouble = warn;
  supervisor_.emplace(context_, children_, *database_, supervision);
  const ChildProgram submitter{.program = sibling_program("memtrackd"),
                               .arguments = {"--submit", "--db", options_.settings.database.string()}};
  api_.emplace(ApiContext{.context = context_,
                          .children = children_,
                          .database = *database_,
                          .supervisor = *supervisor_,
                          .submitter = submitter,
                          .on_trouble = warn});
  server_.emplace(context_, options_.settings.socket, api_routes(*api_), HttpLimits{}, warn);
  server_->start();
  supervisor_->start();
  spdlog::info("memtrackd {} (process {}) listens on {}, database {}", MEMTRACK_VERSION, getpid(),
               options_.settings.socket.string(), options_.settings.database.string());
  sd_notify(0, "READY=1");
}

asio::awaitable<void> Service::stop() {
  sd_notify(0, "STOPPING=1");
  if (supervisor_) {
    supervisor_->stop();
  }
  if (server_) {
    server_->stop();
    const auto deadline = std::chrono::steady_clock::now() + kPatienceWithRequests;
    while (server_->requests_under_way() > 0 && std::chrono::steady_clock::now() < deadline) {
      co_await pause_for(milliseconds(20));
    }
  }
  context_.stop();
}

void Service::wait_for_stop() {
  stop_signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (!error) {
      spdlog::info("signal {}: stopping; running trials go on under their collectors", signal);
      spawn(stop());
    }
  });
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
  spdlog::set_default_logger(spdlog::stderr_color_mt("memtrackd"));
  put_in_force(options.settings);
  Service(options).run();
  return EXIT_SUCCESS;
}

}  // namespace memtrack
