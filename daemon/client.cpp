#include "daemon/client.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "daemon/unix_socket.h"

namespace memtrack {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

std::string ApiReply::error() const {
  return body.is_object() ? body.value("error", "") : "";
}

ApiReply ApiClient::get(const std::string& path) const {
  return exchange("GET", path, "");
}

ApiReply ApiClient::post(const std::string& path, const nlohmann::json& body) const {
  return exchange("POST", path, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

ApiReply ApiClient::exchange(const std::string& method, const std::string& path, const std::string& body) const {
  FileDescriptor descriptor = connect_to(socket_);
  if (!descriptor) {
    throw NoDaemon(fmt::format("no memtrackd listens on {}; start it with 'memtrack daemon start'", socket_.string()));
  }
  asio::io_context context;
  asio::local::stream_protocol::socket socket(context, asio::local::stream_protocol(), descriptor.release());

  http::request<http::string_body> request(http::string_to_verb(method), path, 11);
  request.set(http::field::host, "memtrackd");
  request.keep_alive(false);
  if (!body.empty()) {
    request.set(http::field::content_type, "application/json");
    request.body() = body;
  }
  request.prepare_payload();
  boost::system::error_code write_error;  // a request that is refused half-way has an answer all the same
  http::write(socket, request, write_error);

  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  boost::system::error_code read_error;
  http::read(socket, buffer, parser, read_error);
  if (read_error) {
    throw std::runtime_error(fmt::format("memtrackd on {} broke off the connection before its answer was complete: {}",
                                         socket_.string(), (write_error ? write_error : read_error).message()));
  }
  ApiReply reply{.status = static_cast<int>(parser.get().result_int()), .body = {}};
  reply.body = nlohmann::json::parse(parser.get().body(), nullptr, false);
  if (reply.body.is_discarded()) {
    throw std::runtime_error(fmt::format("what answers on {} is no memtrackd: status {}, and the answer is not JSON",
                                         socket_.string(), reply.status));
  }
  return reply;
}

}  // namespace memtrack
