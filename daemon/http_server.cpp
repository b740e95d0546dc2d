#include "daemon/http_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <utility>

#include "daemon/patience.h"
#include "storage/database.h"

namespace memtrack {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Stream = beast::basic_stream<asio::local::stream_protocol>;
using boost::system::error_code;

namespace {

constexpr unsigned kHttp11 = 11;
constexpr auto kPauseWhileFull = std::chrono::milliseconds(50);
constexpr auto kDrainTime = std::chrono::seconds(5);

// Counts up now, and down at the end of its life.
class Counted {
 public:
  explicit Counted(std::shared_ptr<std::size_t> count) : count_(std::move(count)) { ++*count_; }
  ~Counted() { --*count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::shared_ptr<std::size_t> count_;
};

HttpResponse error_response(int status, std::string_view what) {
  return {.status = status, .body = error_body(what)};
}

void set_close_on_exec(int descriptor) {
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

// What to say of a request that could not be read; status 0: nothing, the client has gone or has not begun one.
HttpResponse response_to_read_error(const error_code& error, const HttpLimits& limits, std::size_t max_body) {
  if (error == http::error::end_of_stream) {
    return {.status = 0};
  }
  if (error == http::error::header_limit) {
    return error_response(431, fmt::format("the header has more than {} bytes", limits.header_bytes));
  }
  if (error == http::error::body_limit) {
    return error_response(413,
                          fmt::format("the request has more than {} bytes, the most that is taken here", max_body));
  }
  if (error.category() == http::make_error_code(http::error::bad_method).category()) {
    return error_response(400, "this is not an HTTP/1.1 request: " + error.message());
  }
  return {.status = 0};
}

}  // namespace

// One connection, one request after the other.
class HttpServer::Session {
 public:
  Session(HttpServer& server, asio::local::stream_protocol::socket socket)
      : server_(server), limits_(server.limits_), stream_(std::move(socket)) {}

  asio::awaitable<void> run();

 private:
  using Parser = http::request_parser<http::string_body>;

  asio::awaitable<error_code> read(Parser& parser);
  asio::awaitable<error_code> read_body(Parser& parser);
  asio::awaitable<void> refuse(const HttpResponse& response);
  asio::awaitable<void> write(HttpResponse response);
  asio::awaitable<void> write_pieces(http::response<http::string_body> head, HttpResponse response);
  asio::awaitable<void> drain();

  HttpServer& server_;
  const HttpLimits& limits_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<Target> target_;
  RouteMatch match_;
  std::size_t max_body_ = kSmallBody;
  std::string allow_;
  bool keep_alive_ = true;
  bool takes_chunks_ = true;  // false: a client of HTTP/1.0, which gets a long answer as a whole
};

asio::awaitable<void> HttpServer::Session::run() {
  while (keep_alive_ && server_.acceptor_.is_open()) {
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    parser.body_limit(boost::none);  // until the route is known
    keep_alive_ = false;
    const error_code error = co_await read(parser);
    if (error) {
      const HttpResponse refusal = response_to_read_error(error, limits_, max_body_);
      if (refusal.status != 0) {
        co_await refuse(refusal);
      }
      co_return;
    }
    takes_chunks_ = parser.get().version() == kHttp11;
    keep_alive_ = parser.get().keep_alive() && takes_chunks_;
    const Counted under_way(server_.requests_under_way_);
    if (!target_) {
      co_await write(error_response(400, "the request target is wrongly encoded"));
      continue;
    }
    HttpRequest request{
        .path_values = match_.path_values, .query = target_->query, .body = std::move(parser.get().body())};
    HttpResponse response = co_await server_.answer(match_, std::move(request));
    allow_ = response.status == 405 ? match_.allow : "";
    co_await write(std::move(response));
  }
}

// Header, then route, then a body of at most what the route takes.
asio::awaitable<error_code> HttpServer::Session::read(Parser& parser) {
  error_code error;
  stream_.expires_after(limits_.header_time);
  co_await http::async_read_header(stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    co_return error;
  }
  const std::string method(parser.get().method_string());
  target_ = parse_target({parser.get().target().data(), parser.get().target().size()});
  match_ = target_ ? find_route(server_.routes_, method, target_->path) : RouteMatch{};
  max_body_ = match_.route != nullptr ? match_.route->max_body_bytes : kSmallBody;
  if (parser.content_length() && *parser.content_length() > max_body_) {
    co_return http::error::body_limit;
  }
  parser.body_limit(max_body_);
  co_return co_await read_body(parser);
}

asio::awaitable<error_code> HttpServer::Session::read_body(Parser& parser) {
  error_code error;
  stream_.expires_after(limits_.body_time);
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    static constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(stream_, asio::buffer(kGoOn), asio::redirect_error(asio::use_awaitable, error));
  }
  if (!error && !parser.is_done()) {
    co_await http::async_read(stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
  }
  co_return error;
}

// Answers a request that was not read to its end, and takes the rest from the client, who else might not see the
// answer.
asio::awaitable<void> HttpServer::Session::refuse(const HttpResponse& response) {
  co_await write(response);
  co_await drain();
}

asio::awaitable<void> HttpServer::Session::drain() {
  error_code error;
  stream_.socket().shutdown(asio::local::stream_protocol::socket::shutdown_send, error);
  stream_.expires_after(kDrainTime);
  std::array<char, 16384> unread{};
  while (!error) {
    co_await stream_.async_read_some(asio::buffer(unread), asio::redirect_error(asio::use_awaitable, error));
  }
}

asio::awaitable<void> HttpServer::Session::write(HttpResponse response) {
  http::response<http::string_body> message(static_cast<http::status>(response.status), kHttp11);
  message.set(http::field::server, "memtrackd/" MEMTRACK_VERSION);
  message.set(http::field::content_type, "application/json");
  if (!allow_.empty()) {
    message.set(http::field::allow, allow_);
    allow_.clear();
  }
  message.keep_alive(keep_alive_);
  if (response.next_piece && takes_chunks_) {
    co_await write_pieces(std::move(message), std::move(response));
    co_return;
  }
  while (response.next_piece) {
    if (const std::optional<std::string> piece = response.next_piece()) {
      response.body += *piece;
    } else {
      response.next_piece = {};
    }
  }
  message.body() = std::move(response.body) + "\n";
  message.prepare_payload();
  stream_.expires_after(limits_.write_time);
  error_code error;
  co_await http::async_write(stream_, message, asio::redirect_error(asio::use_awaitable, error));
  keep_alive_ = keep_alive_ && !error;
}

asio::awaitable<void> HttpServer::Session::write_pieces(http::response<http::string_body> head, HttpResponse response) {
  error_code error;
  head.chunked(true);
  http::response_serializer<http::string_body> serializer(head);
  stream_.expires_after(limits_.write_time);
  co_await http::async_write_header(stream_, serializer, asio::redirect_error(asio::use_awaitable, error));
  std::optional<std::string> piece = std::move(response.body);
  while (piece && !error) {
    if (!piece->empty()) {
      stream_.expires_after(limits_.write_time);
      const auto chunk = http::make_chunk(asio::buffer(*piece));
      co_await asio::async_write(stream_, chunk, asio::redirect_error(asio::use_awaitable, error));
    }
    piece = response.next_piece();
  }
  if (!error) {
    const auto last = http::make_chunk_last();
    co_await asio::async_write(stream_, last, asio::redirect_error(asio::use_awaitable, error));
  }
  keep_alive_ = keep_alive_ && !error;
}

HttpServer::HttpServer(asio::io_context& context, const std::filesystem::path& socket, std::vector<Route> routes,
                       HttpLimits limits, std::function<void(const std::string&)> on_error)
    : context_(context),
      routes_(std::move(routes)),
      limits_(limits),
      on_error_(std::move(on_error)),
      socket_(socket),
      acceptor_(context, asio::local::stream_protocol(), socket_.release()) {}

void HttpServer::start() {
  asio::co_spawn(context_, accept(), [](const std::exception_ptr& error) {
    if (error) {
      std::rethrow_exception(error);
    }
  });
}

void HttpServer::stop() {
  socket_.remove();
  acceptor_.close();
}

asio::awaitable<void> HttpServer::accept() {
  while (acceptor_.is_open()) {
    if (*connections_ >= limits_.connections) {
      co_await pause_for(kPauseWhileFull);  // those that come wait in the queue
      continue;
    }
    error_code error;
    asio::local::stream_protocol::socket socket =
        co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      co_await pause_for(kPauseWhileFull);  // out of descriptors, most likely
      continue;
    }
    set_close_on_exec(socket.native_handle());
    const std::optional<uid_t> peer = peer_user(socket.native_handle());
    if (!peer || !is_allowed_peer(*peer, geteuid())) {
      on_error_("a connection of another user was refused");
      continue;
    }
    asio::co_spawn(context_, serve(std::move(socket)), asio::detached);
  }
}

asio::awaitable<void> HttpServer::serve(asio::local::stream_protocol::socket socket) {
  const Counted connection(connections_);
  Session session(*this, std::move(socket));
  try {
    co_await session.run();
  } catch (const std::exception& error) {
    on_error_(fmt::format("a connection was broken off: {}", error.what()));
  }
}

// One request's failure is its own: it becomes an answer.
asio::awaitable<HttpResponse> HttpServer::answer(const RouteMatch& match, HttpRequest request) {
  if (match.route == nullptr) {
    co_return match.allow.empty() ? error_response(404, "there is nothing under this path")
                                  : error_response(405, "this path takes " + match.allow);
  }
  try {
    co_return co_await match.route->handler(std::move(request));
  } catch (const HttpError& error) {
    co_return error_response(error.status(), error.what());
  } catch (const StorageError& error) {
    on_error_(error.what());
    co_return error_response(error.is_transient() ? 503 : 500, error.what());
  } catch (const std::exception& error) {
    on_error_(error.what());
    co_return error_response(500, error.what());
  }
}

}  // namespace memtrack
