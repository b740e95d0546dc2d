#pragma once

// HTTP/1.1 on a unix socket: reads requests within limits, finds the route, writes the answer. Knows nothing of trials.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/router.h"
#include "daemon/unix_socket.h"

namespace memtrack {

struct HttpLimits {
  // More wait to be accepted; for each, the client that has been silent longest is let go, if it has been for so long.
  std::size_t connections = 128;
  std::chrono::milliseconds silence_when_full = std::chrono::seconds(1);
  std::size_t header_bytes = 16 * 1024;
  // Of all requests whose body is over kSmallBody; more of them wait for `body_time`. One may be larger than that.
  std::size_t large_body_bytes = 64 * 1024 * 1024;
  std::chrono::milliseconds header_time = std::chrono::seconds(30);  // idle time before it included
  std::chrono::milliseconds body_time = std::chrono::seconds(60);
  std::chrono::milliseconds write_time = std::chrono::seconds(30);  // for each piece of an answer
};

class HttpServer {
 public:
  struct Shared;

  // `on_error` gets a sentence for each request that failed by no fault of the client, and for each that was refused to
  // another user.
  HttpServer(boost::asio::io_context& context, const std::filesystem::path& socket, std::vector<Route> routes,
             const HttpLimits& limits, std::function<void(const std::string&)> on_error);

  void start();
  // Accepts no more and removes the socket. Requests under way go on.
  void stop();
  std::size_t requests_under_way() const;

 private:
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> make_room();

  boost::asio::io_context& context_;
  std::shared_ptr<Shared> shared_;  // with the connections, which the context may hold longer than we live
  ListeningSocket socket_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
};

}  // namespace memtrack
