#include "daemon/http_session.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <string_view>
#include <utility>

#include "daemon/patience.h"
#include "storage/database.h"

namespace memtrack {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr unsigned kHttp11 = 11;
constexpr auto kDrainTime = std::chrono::seconds(5);
constexpr auto kRoomCheck = std::chrono::milliseconds(20);

HttpResponse error_response(int status, std::string_view what) {
  return {.status = status, .body = error_body(what)};
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
  if (error == asio::error::no_buffer_space) {
    return error_response(503, "other large requests are being taken; try again");
  }
  if (error.category() == http::make_error_code(http::error::bad_method).category()) {
    return error_response(400, "this is not an HTTP/1.1 request: " + error.message());
  }
  return {.status = 0};
}

}  // namespace

// Stands among those whose client is awaited as long as it lives.
class HttpSession::Awaited {
 public:
  explicit Awaited(HttpSession& session) : list_(session.shared_->awaited), session_(session) {
    session.awaited_since_ = std::chrono::steady_clock::now();
    list_.push_back(&session);
  }
  ~Awaited() { list_.remove(&session_); }
  Awaited(const Awaited&) = delete;
  Awaited& operator=(const Awaited&) = delete;

 private:
  std::list<HttpSession*>& list_;
  HttpSession& session_;
};

HttpSession::HttpSession(std::shared_ptr<HttpServer::Shared> shared, asio::local::stream_protocol::socket socket)
    : shared_(std::move(shared)), limits_(shared_->limits), stream_(std::move(socket)) {}

asio::awaitable<void> HttpSession::run() {
  while (keep_alive_ && !shared_->is_stopping) {
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    parser.body_limit(boost::none);  // until the route is known
    keep_alive_ = false;
    const error_code error = co_await read(parser);
    is_head_ = parser.get().method() == http::verb::head;
    if (error) {
      const HttpResponse refusal = response_to_read_error(error, limits_, max_body_);
      if (refusal.status != 0) {
        co_await refuse(refusal);
      }
      co_return;
    }
    takes_chunks_ = parser.get().version() == kHttp11;
    keep_alive_ = parser.get().keep_alive() && takes_chunks_;
    const Counted under_way(shared_->requests_under_way, 1);
    if (!target_) {
      co_await write(error_response(400, "the request target is wrongly encoded"));
      continue;
    }
    HttpRequest request{
        .path_values = match_.path_values, .query = target_->query, .body = std::move(parser.get().body())};
    HttpResponse response = co_await answer(std::move(request));
    large_body_.reset();
    spdlog::debug("{} {}: {}", std::string_view(parser.get().method_string()), std::string_view(parser.get().target()),
                  response.status);
    allow_ = response.status == 405 ? match_.allow : "";
    co_await write(std::move(response));
  }
}

// Header, then route, then a body of at most what the route takes.
asio::awaitable<error_code> HttpSession::read(Parser& parser) {
  const error_code error = co_await read_header(parser);
  if (error) {
    co_return error;
  }
  const std::string method(parser.get().method_string());
  target_ = parse_target({parser.get().target().data(), parser.get().target().size()});
  match_ = target_ ? find_route(shared_->routes, method, target_->path) : RouteMatch{};
  max_body_ = match_.route != nullptr ? match_.route->max_body_bytes : kSmallBody;
  const std::uint64_t announced = parser.content_length().value_or(parser.chunked() ? max_body_ : 0);
  if (announced > max_body_) {
    co_return http::error::body_limit;
  }
  parser.body_limit(max_body_);
  const bool has_room = co_await make_room_for(announced);
  if (!has_room) {
    co_return asio::error::no_buffer_space;
  }
  co_return co_await read_body(parser);
}

asio::awaitable<error_code> HttpSession::read_header(Parser& parser) {
  const Awaited awaited(*this);
  error_code error;
  stream_.expires_after(limits_.header_time);
  co_await http::async_read_header(stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

// Waits until there is room for a large body beside the others. False: in vain.
asio::awaitable<bool> HttpSession::make_room_for(std::size_t body_bytes) {
  if (body_bytes <= kSmallBody) {
    co_return true;
  }
  const auto deadline = std::chrono::steady_clock::now() + limits_.body_time;
  while (shared_->large_body_bytes > 0 && shared_->large_body_bytes + body_bytes > limits_.large_body_bytes) {
    if (std::chrono::steady_clock::now() > deadline) {
      co_return false;
    }
    co_await pause_for(kRoomCheck);
  }
  large_body_.emplace(shared_->large_body_bytes, body_bytes);
  co_return true;
}

asio::awaitable<error_code> HttpSession::read_body(Parser& parser) {
  const Awaited awaited(*this);
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

// One request's failure is its own: it becomes an answer.
asio::awaitable<HttpResponse> HttpSession::answer(HttpRequest request) {
  if (match_.route == nullptr) {
    co_return match_.allow.empty() ? error_response(404, "there is nothing under this path")
                                   : error_response(405, "this path takes " + match_.allow);
  }
  try {
    co_return co_await match_.route->handler(std::move(request));
  } catch (const HttpError& error) {
    co_return error_response(error.status(), error.what());
  } catch (const StorageError& error) {
    shared_->on_error(error.what());
    co_return error_response(error.is_transient() ? 503 : 500, error.what());
  } catch (const std::exception& error) {
    shared_->on_error(error.what());
    co_return error_response(500, error.what());
  }
}

// Answers a request that was not read to its end, and takes the rest from the client, who else might not see the
// answer.
asio::awaitable<void> HttpSession::refuse(const HttpResponse& response) {
  co_await write(response);
  co_await drain();
}

asio::awaitable<void> HttpSession::drain() {
  const Awaited awaited(*this);
  error_code error;
  stream_.socket().shutdown(asio::local::stream_protocol::socket::shutdown_send, error);
  stream_.expires_after(kDrainTime);
  std::array<char, 16384> unread{};
  while (!error) {
    co_await stream_.async_read_some(asio::buffer(unread), asio::redirect_error(asio::use_awaitable, error));
  }
}

asio::awaitable<void> HttpSession::write(HttpResponse response) {
  Message message(static_cast<http::status>(response.status), kHttp11);
  message.set(http::field::server, "memtrackd/" MEMTRACK_VERSION);
  message.set(http::field::content_type, "application/json");
  if (!allow_.empty()) {
    message.set(http::field::allow, allow_);
    allow_.clear();
  }
  message.keep_alive(keep_alive_);
  if (response.next_piece) {
    co_await write_pieces(std::move(message), std::move(response));
    co_return;
  }
  message.body() = std::move(response.body) + "\n";
  message.prepare_payload();
  error_code error;
  if (is_head_) {
    error = co_await write_header(std::move(message));
  } else {
    stream_.expires_after(limits_.write_time);
    co_await http::async_write(stream_, message, asio::redirect_error(asio::use_awaitable, error));
  }
  keep_alive_ = keep_alive_ && !error;
}

asio::awaitable<void> HttpSession::write_pieces(Message head, HttpResponse response) {
  head.chunked(takes_chunks_);
  error_code error = co_await write_header(std::move(head));
  std::optional<std::string> piece;
  if (!is_head_) {
    piece = std::move(response.body);
  }
  while (piece && !error) {
    if (!piece->empty()) {
      error = co_await write_piece(*piece);
    }
    if (!error) {
      piece = response.next_piece();
    }
  }
  if (!error && takes_chunks_ && !is_head_) {
    const auto last = http::make_chunk_last();
    co_await asio::async_write(stream_, last, asio::redirect_error(asio::use_awaitable, error));
  }
  keep_alive_ = keep_alive_ && !error;
}

asio::awaitable<error_code> HttpSession::write_piece(const std::string& piece) {
  error_code error;
  stream_.expires_after(limits_.write_time);
  if (takes_chunks_) {
    const auto chunk = http::make_chunk(asio::buffer(piece));
    co_await asio::async_write(stream_, chunk, asio::redirect_error(asio::use_awaitable, error));
  } else {
    co_await asio::async_write(stream_, asio::buffer(piece), asio::redirect_error(asio::use_awaitable, error));
  }
  co_return error;
}

asio::awaitable<error_code> HttpSession::write_header(Message head) {
  error_code error;
  http::response_serializer<http::string_body> serializer(head);
  stream_.expires_after(limits_.write_time);
  co_await http::async_write_header(stream_, serializer, asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

}  // namespace memtrack
