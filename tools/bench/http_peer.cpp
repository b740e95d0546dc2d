// Both ends of an HTTP connection on a unix socket, as bare as Beast lets them be, for tools/bench/daemon.
//   http_peer serve SOCKET FILE            answers every request with the bytes of FILE, until it is killed
//   http_peer load SOCKET TARGET N SECONDS N clients ask for TARGET again and again; prints requests and body bytes

#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::local::stream_protocol;
using Clock = std::chrono::steady_clock;

constexpr unsigned kHttp11 = 11;

void rethrow(const std::exception_ptr& error) {
  if (error) {
    std::rethrow_exception(error);
  }
}

asio::awaitable<void> serve_one(stream_protocol::socket socket, const std::string& body) {
  boost::beast::flat_buffer buffer;
  try {
    while (true) {
      http::request<http::empty_body> request;
      co_await http::async_read(socket, buffer, request, asio::use_awaitable);
      http::response<http::span_body<const char>> response(http::status::ok, kHttp11);
      response.body() = boost::beast::span<const char>(body.data(), body.size());
      response.prepare_payload();
      co_await http::async_write(socket, response, asio::use_awaitable);
    }
  } catch (const boost::system::system_error&) {
    // The client has gone.
  }
}

asio::awaitable<void> serve(stream_protocol::acceptor& acceptor, const std::string& body) {
  while (true) {
    stream_protocol::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    asio::co_spawn(acceptor.get_executor(), serve_one(std::move(socket), body), rethrow);
  }
}

struct Load {
  std::string socket, target;
  Clock::time_point end;
  long requests = 0;
  long bytes = 0;
};

asio::awaitable<void> ask(asio::io_context& context, Load& load) {
  stream_protocol::socket socket(context);
  co_await socket.async_connect(stream_protocol::endpoint(load.socket), asio::use_awaitable);
  boost::beast::flat_buffer buffer;
  http::request<http::empty_body> request(http::verb::get, load.target, kHttp11);
  request.set(http::field::host, "bench");
  while (Clock::now() < load.end) {
    co_await http::async_write(socket, request, asio::use_awaitable);
    http::response_parser<http::string_body> parser;
    parser.body_limit(boost::none);
    co_await http::async_read(socket, buffer, parser, asio::use_awaitable);
    if (parser.get().result() != http::status::ok) {
      throw std::runtime_error("answered " + std::to_string(parser.get().result_int()));
    }
    ++load.requests;
    load.bytes += static_cast<long>(parser.get().body().size());
  }
}

void run(std::span<char*> arguments) {
  asio::io_context context(1);
  const std::string what = arguments.size() > 1 ? arguments[1] : "";
  if (what == "serve" && arguments.size() == 4) {
    std::ifstream file(arguments[3], std::ios::binary);
    const std::string body{std::istreambuf_iterator<char>(file), {}};
    stream_protocol::acceptor acceptor(context, stream_protocol::endpoint(arguments[2]));
    asio::co_spawn(context, serve(acceptor, body), rethrow);
    context.run();
  } else if (what == "load" && arguments.size() == 6) {
    Load load{.socket = arguments[2],
              .target = arguments[3],
              .end = Clock::now() + std::chrono::milliseconds(std::atol(arguments[5]) * 1000)};
    for (long i = 0; i < std::atol(arguments[4]); ++i) {
      asio::co_spawn(context, ask(context, load), rethrow);
    }
    context.run();
    std::printf("%ld %ld\n", load.requests, load.bytes);
  } else {
    throw std::runtime_error("usage: http_peer serve SOCKET FILE | load SOCKET TARGET CLIENTS SECONDS");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run({argv, static_cast<std::size_t>(argc)});
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "http_peer: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
