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
  std::size_t connections = 128;  // more wait to be accepted
  std::size_t header_bytes = 16 * 1024;
  std::chrono::milliseconds header_time = std::chrono::seconds(30);  // idle time before it included
  std::chrono::milliseconds body_time = std::chrono::seconds(60);
  std::chrono::milliseconds write_time = std::chrono::seconds(30);  // for each piece of an answer
};

class HttpServer {
 public:
  // `on_error` gets a sentence for each request that failed by no fault of the client.
  HttpServer(boost::asio::io_context& context, const std::filesystem::path& socket, std::vector<Route> routes,
             HttpLimits limits, std::function<void(const std::string&)> on_error);

  void start();
  // Accepts no more and removes the socket. Requests under way go on.
  void stop();
  std::size_t requests_under_way() const { return *requests_under_way_; }

 private:
  class Session;

  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> serve(boost::asio::local::stream_protocol::socket socket);
  boost::asio::awaitable<HttpResponse> answer(const RouteMatch& match, HttpRequest request);

  boost::asio::io_context& context_;
  std::vector<Route> routes_;
  HttpLimits limits_;
  std::function<void(const std::string&)> on_error_;
  ListeningSocket socket_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  // Shared with the connections, which the context may hold longer than we live.
  std::shared_ptr<std::size_t> connections_ = std::make_shared<std::size_t>(0);
  std::shared_ptr<std::size_t> requests_under_way_ = std::make_shared<std::size_t>(0);
};

}  // namespace memtrack
