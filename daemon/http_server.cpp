#include "daemon/http_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "daemon/http_session.h"
#include "daemon/patience.h"

namespace memtrack {
namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::local::stream_protocol::socket;

namespace {

constexpr auto kPauseWhileFull = std::chrono::milliseconds(50);

void set_close_on_exec(int descriptor) {
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

asio::awaitable<void> serve(std::shared_ptr<HttpServer::Shared> shared, Socket socket) {
  const Counted connection(shared->connections, 1);
  HttpSession session(shared, std::move(socket));
  try {
    co_await session.run();
  } catch (const std::exception& error) {
    shared->on_error(fmt::format("a connection was broken off: {}", error.what()));
  }
}

}  // namespace

HttpServer::HttpServer(asio::io_context& context, const std::filesystem::path& socket, std::vector<Route> routes,
                       const HttpLimits& limits, std::function<void(const std::string&)> on_error)
    : context_(context),
      shared_(std::make_shared<Shared>(
          Shared{.routes = std::move(routes), .limits = limits, .on_error = std::move(on_error)})),
      socket_(socket),
      acceptor_(context, asio::local::stream_protocol(), socket_.release()) {}

std::size_t HttpServer::requests_under_way() const {
  return shared_->requests_under_way;
}

void HttpServer::start() {
  asio::co_spawn(context_, accept(), [](const std::exception_ptr& error) {
    if (error) {
      std::rethrow_exception(error);
    }
  });
}

void HttpServer::stop() {
  shared_->is_stopping = true;
  socket_.remove();
  acceptor_.close();
}

asio::awaitable<void> HttpServer::accept() {
  while (acceptor_.is_open()) {
    error_code error;
    co_await acceptor_.async_wait(acceptor_.wait_read, asio::redirect_error(asio::use_awaitable, error));
    if (!error && shared_->connections >= shared_->limits.connections) {
      co_await make_room();
      continue;
    }
    Socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      co_await pause_for(kPauseWhileFull);  // out of descriptors, most likely
      continue;
    }
    set_close_on_exec(socket.native_handle());
    const std::optional<uid_t> peer = peer_user(socket.native_handle());
    if (!peer || !is_allowed_peer(*peer, geteuid())) {
      shared_->on_error(fmt::format("a connection of {} was refused: whoever may connect may run commands as user {}",
                                    peer ? fmt::format("user {}", *peer) : "an unknown user", geteuid()));
      continue;
    }
    asio::co_spawn(context_, serve(shared_, std::move(socket)), asio::detached);
  }
}

// Somebody waits, and there are too many: whoever has been silent longest has to go, but not before it had its time.
asio::awaitable<void> HttpServer::make_room() {
  if (!shared_->awaited.empty() && shared_->awaited.front()->silence() >= shared_->limits.silence_when_full) {
    HttpSession* const longest = shared_->awaited.front();
    shared_->awaited.pop_front();
    longest->close();
    co_await asio::post(context_, asio::use_awaitable);
  } else {
    co_await pause_for(kPauseWhileFull);
  }
}

}  // namespace memtrack
