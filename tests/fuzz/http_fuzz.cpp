// All bytes that one client sends on one connection, in pieces of the size that the first byte says.

#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/http_server.h"
#include "tests/fuzz/fuzz.h"
#include "tests/temporary_directory.h"

using namespace memtrack;
using namespace memtrack::testing;
namespace http = boost::beast::http;
using nlohmann::json;

namespace {

boost::asio::awaitable<HttpResponse> echo(HttpRequest request) {
  const json body = {{"path", request.path_values}, {"query", request.query}, {"bytes", request.body.size()}};
  co_return HttpResponse{.status = 200, .body = body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

boost::asio::awaitable<HttpResponse> refuse(HttpRequest request) {
  throw HttpError(404, "there is no '" + request.path_values.at(0) + "'");
  co_return HttpResponse{};
}

boost::asio::awaitable<HttpResponse> list(HttpRequest) {
  HttpResponse response{.status = 200, .body = "[1"};
  response.next_piece = [left = 2]() mutable {
    return left-- > 0 ? std::optional<std::string>(left > 0 ? ",2" : "]") : std::nullopt;
  };
  co_return response;
}

std::vector<Route> routes() {
  return {{"GET", "/v1/health", Access::reads, kSmallBody, echo},
          {"GET", "/v1/sweeps", Access::reads, kSmallBody, list},
          {"POST", "/v1/sweeps", Access::changes, 1000, echo},
          {"GET", "/v1/sweeps/{}", Access::reads, kSmallBody, refuse},
          {"POST", "/v1/sweeps/{}/cancel", Access::changes, kSmallBody, echo}};
}

// The server and its only client take turns on one thread.
class Exchange {
 public:
  Exchange()
      : server_(context_, folder_ / "s", routes(), {.header_bytes = 4096},
                [](const std::string&) { require(false, "no client's request makes the server fail"); }) {
    server_.start();
  }

  // All that the server says to `request` until it closes the connection.
  std::string answers_to(std::string_view request, std::size_t piece_bytes) {
    const FileDescriptor client = connect_to(folder_ / "s");
    std::string answers;
    do {
      send_piece(client.get(), request, piece_bytes);
      context_.poll();
    } while (receive(client.get(), answers));
    require(server_.requests_under_way() == 0, "a closed connection leaves no request behind");
    return answers;
  }

 private:
  static void send_piece(int client, std::string_view& request, std::size_t piece_bytes) {
    const std::string_view piece = request.substr(0, piece_bytes);
    const ssize_t sent = send(client, piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    const bool is_refused = sent < 0 && errno != EAGAIN;
    request.remove_prefix(is_refused ? request.size() : static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    if (request.empty()) {
      shutdown(client, SHUT_WR);
    }
  }

  // False: the connection is closed.
  static bool receive(int client, std::string& answers) {
    std::array<char, 65536> buffer;
    const ssize_t count = recv(client, buffer.data(), buffer.size(), MSG_DONTWAIT);
    answers.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return count > 0 || (count < 0 && errno == EAGAIN);
  }

  TemporaryDirectory folder_;
  boost::asio::io_context context_{1};
  HttpServer server_;
};

// Bytes of the first of the answers, 0: it is none. The answer to HEAD is a head alone.
std::size_t take_answer(std::string_view answers, bool is_head_alone) {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.skip(is_head_alone);
  boost::system::error_code error;
  const std::size_t taken = parser.put(boost::asio::buffer(answers.data(), answers.size()), error);
  if (!error && !parser.is_done()) parser.put_eof(error);  // a list for HTTP/1.0 ends with the connection
  if (error || !parser.is_done()) return 0;
  const bool has_json = is_head_alone || parser.get().result_int() == 100 || json::accept(parser.get().body());
  return has_json ? taken : 0;
}

void check_answers(std::string_view answers, bool has_heads) {
  while (!answers.empty()) {
    std::size_t taken = take_answer(answers, false);
    if (taken == 0 && has_heads) taken = take_answer(answers, true);
    require(taken > 0, "each answer is a whole HTTP response with JSON");
    answers.remove_prefix(taken);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Exchange exchange;
  if (size > 0) {
    const std::string_view request = as_text(data + 1, size - 1);
    check_answers(exchange.answers_to(request, std::size_t{1} + data[0] * std::size_t{16}),
                  request.find("HEAD") != std::string_view::npos);
  }
  return 0;
}
