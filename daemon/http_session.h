#pragma once

// One connection of the HTTP server: one request after the other, each within limits. Heavy to include; http_server.cpp
// alone does.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/http_server.h"
#include "daemon/router.h"

namespace memtrack {

class HttpSession;

// What the connections of a server share. It lives as long as the last of them.
struct HttpServer::Shared {
  std::vector<Route> routes;
  HttpLimits limits;
  std::function<void(const std::string&)> on_error;
  bool is_stopping = false;
  std::size_t connections = 0;
  std::size_t requests_under_way = 0;
  std::size_t large_body_bytes = 0;      // of requests that are read or answered now
  std::list<HttpSession*> awaited = {};  // those whose client has to send something, the longest silent first
};

// Adds to a number now, and takes it back at the end of its life.
class Counted {
 public:
  Counted(std::size_t& number, std::size_t amount) : number_(&number), amount_(amount) { *number_ += amount_; }
  Counted(Counted&& other) noexcept : number_(other.number_), amount_(std::exchange(other.amount_, 0)) {}
  Counted& operator=(Counted&&) = delete;
  ~Counted() { *number_ -= amount_; }

 private:
  std::size_t* number_;
  std::size_t amount_;
};

class HttpSession {
 public:
  HttpSession(std::shared_ptr<HttpServer::Shared> shared, boost::asio::local::stream_protocol::socket socket);

  // To the end of the connection.
  boost::asio::awaitable<void> run();

  // How long its client has been awaited, where it stands among those who are.
  std::chrono::steady_clock::duration silence() const { return std::chrono::steady_clock::now() - awaited_since_; }
  // run() ends soon.
  void close() { stream_.close(); }

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Message = boost::beast::http::response<boost::beast::http::string_body>;
  using ErrorCode = boost::system::error_code;
  class Awaited;

  boost::asio::awaitable<ErrorCode> read(Parser& parser);
  boost::asio::awaitable<ErrorCode> read_header(Parser& parser);
  boost::asio::awaitable<bool> make_room_for(std::size_t body_bytes);
  boost::asio::awaitable<ErrorCode> read_body(Parser& parser);
  boost::asio::awaitable<HttpResponse> answer(HttpRequest request);
  boost::asio::awaitable<void> refuse(const HttpResponse& response);
  boost::asio::awaitable<void> write(HttpResponse response);
  boost::asio::awaitable<void> write_pieces(Message head, HttpResponse response);
  boost::asio::awaitable<ErrorCode> write_piece(const std::string& piece);
  boost::asio::awaitable<ErrorCode> write_header(Message head);
  boost::asio::awaitable<void> drain();

  std::shared_ptr<HttpServer::Shared> shared_;
  const HttpLimits& limits_;
  boost::beast::basic_stream<boost::asio::local::stream_protocol> stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<Target> target_;
  RouteMatch match_;
  std::size_t max_body_ = kSmallBody;
  std::optional<Counted> large_body_;
  std::string allow_;
  std::chrono::steady_clock::time_point awaited_since_;
  bool keep_alive_ = true;
  bool takes_chunks_ = true;  // false: a client of HTTP/1.0, to whom the end of the connection is that of the answer
  bool is_head_ = false;      // it wants the header of the answer alone
};

}  // namespace memtrack
