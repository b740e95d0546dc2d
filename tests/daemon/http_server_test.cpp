#include "daemon/http_server.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/client.h"
#include "daemon/patience.h"
#include "tests/temporary_directory.h"

using namespace memtrack;
using memtrack::testing::TemporaryDirectory;
using nlohmann::json;

namespace {

boost::asio::awaitable<HttpResponse> echo(HttpRequest request) {
  co_return HttpResponse{
      .status = 200,
      .body = json{{"path", request.path_values}, {"query", request.query}, {"body", request.body}}.dump()};
}

boost::asio::awaitable<HttpResponse> fail(HttpRequest) {
  throw std::runtime_error("it broke");
  co_return HttpResponse{};
}

boost::asio::awaitable<HttpResponse> refuse(HttpRequest) {
  throw HttpError(404, "there is no such thing");
  co_return HttpResponse{};
}

boost::asio::awaitable<HttpResponse> count(HttpRequest) {
  HttpResponse response{.status = 200, .body = "["};
  response.next_piece = [next = 0]() mutable -> std::optional<std::string> {
    if (next > 1000) {
      return std::nullopt;
    }
    const int number = next++;
    return number == 1000 ? std::string("1000]") : fmt::format("{},\n", number);
  };
  co_return response;
}

boost::asio::awaitable<HttpResponse> measure(HttpRequest request) {
  co_return HttpResponse{.status = 200, .body = std::to_string(request.body.size())};
}

// Until the server ends.
boost::asio::awaitable<HttpResponse> hold(HttpRequest) {
  co_await pause_for(std::chrono::hours(1));
  co_return HttpResponse{};
}

constexpr std::size_t kLargeBody = 200'000;

std::vector<Route> test_routes() {
  return {{"POST", "/echo/{}", Access::reads, 1000, echo},    {"POST", "/measure", Access::reads, kLargeBody, measure},
          {"POST", "/hold", Access::reads, kLargeBody, hold}, {"GET", "/fail", Access::reads, 1000, fail},
          {"GET", "/refuse", Access::reads, 1000, refuse},    {"GET", "/count", Access::reads, 1000, count}};
}

// A server on a thread of its own.
class TestServer {
 public:
  explicit TestServer(const HttpLimits& limits = {})
      : server_(context_, socket(), test_routes(), limits, [this](const std::string& trouble) { tell(trouble); }) {
    server_.start();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~TestServer() {
    context_.stop();
    thread_.join();
  }

  std::filesystem::path socket() const { return folder_ / "s"; }
  const std::filesystem::path& folder() const { return folder_.path(); }
  ApiClient client() const { return ApiClient(socket()); }
  // What the server has complained of, a line each.
  std::string troubles() const {
    const std::lock_guard lock(mutex_);
    return troubles_;
  }

 private:
  void tell(const std::string& trouble) {
    const std::lock_guard lock(mutex_);
    troubles_ += trouble + "\n";
  }

  mutable std::mutex mutex_;
  std::string troubles_;
  TemporaryDirectory folder_;
  boost::asio::io_context context_;
  HttpServer server_;
  std::thread thread_;
};

void send_all(const FileDescriptor& connection, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return;  // the server has heard enough
    }
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// All that comes until the server closes the connection, within half a minute.
std::string receive_all(const FileDescriptor& connection) {
  std::string text;
  for (;;) {
    pollfd entry{.fd = connection.get(), .events = POLLIN, .revents = 0};
    REQUIRE(poll(&entry, 1, 30'000) == 1);
    char buffer[4096];
    const ssize_t count = recv(connection.get(), buffer, sizeof buffer, 0);
    if (count <= 0) {
      return text;
    }
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string answer_to(const TestServer& server, std::string_view request) {
  const FileDescriptor connection = connect_to(server.socket());
  send_all(connection, request);
  return receive_all(connection);
}

std::string status_line(const std::string& answer) {
  return answer.substr(0, answer.find("\r\n"));
}

}  // namespace

TEST_CASE("a handler gets path, query and body") {
  TestServer server;
  const ApiReply reply = server.client().post("/echo/7?a=b", {{"x", 1}});
  CHECK(reply.status == 200);
  CHECK(reply.body == json{{"path", {"7"}}, {"query", {{"a", "b"}}}, {"body", "{\"x\":1}"}});
}

TEST_CASE("what is not there, not allowed or broken has a status and says so") {
  TestServer server;
  CHECK(server.client().get("/nothing").status == 404);
  CHECK(server.client().get("/nothing").error() == "there is nothing under this path");
  const ApiReply wrong_method = server.client().get("/echo/1");
  CHECK(wrong_method.status == 405);
  CHECK(wrong_method.error() == "this path takes POST");
  CHECK(answer_to(server, "GET /echo/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").find("\r\nAllow: POST\r\n") !=
        std::string::npos);
  CHECK(server.client().get("/fail").status == 500);
  CHECK(server.client().get("/fail").error() == "it broke");
  CHECK(server.client().get("/refuse").status == 404);
  CHECK(server.client().get("/count?%").status == 400);
}

TEST_CASE("what is no HTTP is refused and harms nobody") {
  TestServer server;
  for (const char* nonsense :
       {"hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\r\n\r\n",
        "POST /echo/1 HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "POST /echo/1 HTTP/1.1\r\nContent-Length: x\r\n\r\n"}) {
    CAPTURE(nonsense);
    CHECK(status_line(answer_to(server, nonsense)) == "HTTP/1.1 400 Bad Request");
  }
  CHECK(server.client().get("/count").status == 200);
}

TEST_CASE("a long answer comes in pieces, to an old client as a whole") {
  TestServer server;
  const ApiReply reply = server.client().get("/count");
  CHECK(reply.body.size() == 1001);
  const std::string old = answer_to(server, "GET /count HTTP/1.0\r\n\r\n");
  CHECK(status_line(old).find("200 OK") != std::string::npos);
  CHECK(old.find("chunked") == std::string::npos);
  CHECK(json::parse(old.substr(old.find("\r\n\r\n"))).size() == 1001);
}

TEST_CASE("two requests on one connection are answered in order") {
  TestServer server;
  const std::string answers = answer_to(server,
                                        "POST /echo/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
                                        "POST /echo/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::size_t first = answers.find("[\"1\"]");
  CHECK(first != std::string::npos);
  CHECK(answers.find("[\"2\"]", first) != std::string::npos);
}

TEST_CASE("who asks for the header alone gets the header alone and the next answer after it") {
  TestServer server;
  for (const char* path : {"/count", "/nothing"}) {
    const std::string answers =
        answer_to(server, fmt::format("HEAD {} HTTP/1.1\r\nHost: x\r\n\r\n"
                                      "GET /refuse HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                                      path));
    CAPTURE(answers);
    const std::size_t end = answers.find("\r\n\r\n");
    REQUIRE(end != std::string::npos);
    CHECK(answers.substr(end + 4).starts_with("HTTP/1.1 404 Not Found"));
    CHECK(answers.ends_with("{\"error\":\"there is no such thing\"}\n"));
  }
}

TEST_CASE("hundreds of requests that come at once on one connection are all answered") {
  TestServer server;
  std::string requests;
  for (int i = 0; i < 500; ++i) {
    requests += "POST /echo/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";
  }
  const std::string answers = answer_to(server, requests + "GET /x HTTP/1.1\r\nConnection: close\r\n\r\n");
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answers.find("HTTP/1.1 200 OK", at)) != std::string::npos; ++at) {
    ++count;
  }
  CHECK(count == 500);
}

TEST_CASE("a body over its route's limit is refused with 413, however it is sent, and the limit itself is taken") {
  TestServer server;
  const auto post = [&](std::size_t bytes) {
    return answer_to(server, fmt::format("POST /echo/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}"
                                         "\r\n\r\n{}",
                                         bytes, std::string(bytes, 'x')));
  };
  CHECK(status_line(post(1000)) == "HTTP/1.1 200 OK");
  CHECK(status_line(post(1001)) == "HTTP/1.1 413 Payload Too Large");
  CHECK(post(20'000'000).find("{\"error\":\"the request has more than 1000 bytes") != std::string::npos);
  // Announced, never sent: not a byte is set aside for it.
  const FileDescriptor announcing = connect_to(server.socket());
  send_all(announcing, "POST /echo/1 HTTP/1.1\r\nContent-Length: 999999999999999\r\n\r\n");
  shutdown(announcing.get(), SHUT_WR);
  CHECK(status_line(receive_all(announcing)) == "HTTP/1.1 413 Payload Too Large");
  const std::string chunk = fmt::format("190\r\n{}\r\n", std::string(0x190, 'x'));
  CHECK(status_line(answer_to(server, "POST /echo/1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk +
                                          chunk + "0\r\n\r\n")) == "HTTP/1.1 413 Payload Too Large");
}

TEST_CASE("a client that asks before it sends its body is told to go on") {
  TestServer server;
  const FileDescriptor connection = connect_to(server.socket());
  send_all(
      connection,
      "POST /echo/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  std::string line(25, '\0');
  CHECK(recv(connection.get(), line.data(), line.size(), MSG_WAITALL) == 25);
  CHECK(line == "HTTP/1.1 100 Continue\r\n\r\n");
  send_all(connection, "ab");
  CHECK(status_line(receive_all(connection)) == "HTTP/1.1 200 OK");
}

TEST_CASE("a header over the limit is refused with 431") {
  TestServer server;
  const std::string answer = answer_to(server, "GET /count HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  CHECK(status_line(answer) == "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST_CASE("slow clients keep nobody waiting, and are cut off in time") {
  TestServer server({.header_time = std::chrono::milliseconds(1500), .body_time = std::chrono::milliseconds(1500)});
  const FileDescriptor silent = connect_to(server.socket());
  const FileDescriptor slow_header = connect_to(server.socket());
  send_all(slow_header, "GET /cou");
  const FileDescriptor slow_body = connect_to(server.socket());
  send_all(slow_body, "POST /echo/1 HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
  CHECK(server.client().get("/count").status == 200);
  CHECK(receive_all(silent).empty());
  CHECK(receive_all(slow_header).empty());
  CHECK(receive_all(slow_body).empty());
}

TEST_CASE("a client that sends its request drop by drop has no more time than others") {
  TestServer server({.header_time = std::chrono::milliseconds(500), .body_time = std::chrono::milliseconds(500)});
  for (const std::string begin :
       {"GET /count HTTP/1.1\r\nX: ", "POST /echo/1 HTTP/1.1\r\nContent-Length: 999\r\n\r\n"}) {
    CAPTURE(begin);
    const FileDescriptor dripping = connect_to(server.socket());
    send_all(dripping, begin);
    pollfd closed{.fd = dripping.get(), .events = POLLIN, .revents = 0};
    int drops = 0;
    while (drops < 900 && poll(&closed, 1, 30) == 0) {
      send_all(dripping, "x");
      ++drops;
    }
    CHECK(drops < 900);
    CHECK(receive_all(dripping).empty());
  }
  CHECK(server.client().get("/count").status == 200);
}

TEST_CASE("a client that does not read its answer is cut off in time") {
  TestServer server({.write_time = std::chrono::milliseconds(500)});
  const FileDescriptor deaf = connect_to(server.socket());
  const int small = 1;
  setsockopt(deaf.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  std::string many;
  for (int i = 0; i < 2000; ++i) {
    many += "GET /count HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  send_all(deaf, many);  // returns when the server has hung up, since it never reads them all
  CHECK(server.client().get("/count").status == 200);
}

TEST_CASE("connections beyond the limit wait until others have gone") {
  TestServer server({.connections = 2, .silence_when_full = std::chrono::hours(1)});
  FileDescriptor first = connect_to(server.socket());
  FileDescriptor second = connect_to(server.socket());
  const FileDescriptor third = connect_to(server.socket());
  send_all(third, "GET /refuse HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  pollfd answered{.fd = third.get(), .events = POLLIN, .revents = 0};
  CHECK(poll(&answered, 1, 300) == 0);
  first = {};
  CHECK(status_line(receive_all(third)) == "HTTP/1.1 404 Not Found");
}

TEST_CASE("where there are too many clients the longest silent one makes room for the next") {
  TestServer server({.connections = 2, .silence_when_full = std::chrono::milliseconds(1)});
  const FileDescriptor first = connect_to(server.socket());
  send_all(first, "POST /echo/1 HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
  const FileDescriptor second = connect_to(server.socket());
  CHECK(server.client().get("/count").status == 200);
  CHECK(receive_all(first).empty());
  send_all(second, "GET /refuse HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(status_line(receive_all(second)) == "HTTP/1.1 404 Not Found");
}

TEST_CASE("a client whose request is being answered never makes room") {
  TestServer server({.connections = 2, .silence_when_full = std::chrono::milliseconds(1)});
  const FileDescriptor busy = connect_to(server.socket());
  send_all(busy, "POST /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  for (int i = 0; i < 5; ++i) {
    CHECK(server.client().get("/count").status == 200);
  }
  pollfd closed{.fd = busy.get(), .events = POLLIN, .revents = 0};
  CHECK(poll(&closed, 1, 0) == 0);
}

TEST_CASE("a thousand silent clients keep nobody from being answered") {
  rlimit files{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
  const rlimit old_files = files;
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &files) == 0);
  {
    TestServer server({.silence_when_full = std::chrono::milliseconds(1)});
    std::vector<FileDescriptor> silent;
    for (int i = 0; i < 1000; ++i) {
      silent.push_back(connect_to(server.socket()));
      send_all(silent.back(), i % 2 == 0 ? "" : "GET /cou");
    }
    CHECK(server.client().get("/count").status == 200);
    CHECK(receive_all(silent.front()).empty());
  }
  setrlimit(RLIMIT_NOFILE, &old_files);
}

TEST_CASE("large requests wait for each other so that memory does not grow with their number") {
  const std::string body(kLargeBody, 'x');
  const std::string large =
      fmt::format("POST /measure HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
  SUBCASE("and the next is taken when one has gone") {
    TestServer server({.large_body_bytes = kLargeBody});
    FileDescriptor slow = connect_to(server.socket());
    send_all(slow, large.substr(0, 1000));
    const FileDescriptor next = connect_to(server.socket());
    send_all(next, large.substr(0, 1000));
    CHECK(server.client().post("/echo/1").status == 200);  // small ones do not wait
    slow = {};
    send_all(next, large.substr(1000));
    CHECK(receive_all(next).ends_with("\r\n\r\n200000\n"));
  }
  SUBCASE("and are refused when that takes too long") {
    TestServer server({.large_body_bytes = kLargeBody, .body_time = std::chrono::milliseconds(2000)});
    const FileDescriptor busy = connect_to(server.socket());
    send_all(busy, fmt::format("POST /hold HTTP/1.1\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
    const FileDescriptor next = connect_to(server.socket());
    send_all(next, large);
    CHECK(status_line(receive_all(next)) == "HTTP/1.1 503 Service Unavailable");
  }
}

TEST_CASE("only we and root may talk to us") {
  CHECK(is_allowed_peer(1000, 1000));
  CHECK(is_allowed_peer(0, 1000));
  CHECK_FALSE(is_allowed_peer(1001, 1000));
  CHECK_FALSE(is_allowed_peer(1000, 0));
}

TEST_CASE("another user's connection is told of and closed without an answer, even where the folder lets him in") {
  if (geteuid() != 0) {
    MESSAGE("needs root to become another user");
    return;
  }
  TestServer server;
  chmod(server.folder().c_str(), 0755);
  chmod(server.socket().c_str(), 0777);
  const std::string request = "GET /count HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  int answer[2];
  REQUIRE(pipe2(answer, O_CLOEXEC) == 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  server.socket().string().copy(address.sun_path, sizeof address.sun_path - 1);
  const pid_t other = fork();
  REQUIRE(other >= 0);
  if (other == 0) {
    const int connection = socket(AF_UNIX, SOCK_STREAM, 0);
    char buffer[4096];
    if (setuid(65534) != 0 || connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      _exit(2);
    }
    const bool sent = send(connection, request.data(), request.size(), MSG_NOSIGNAL) > 0;
    _exit(recv(connection, buffer, sizeof buffer, 0) > 0 && sent ? 1 : 0);
  }
  int status = 0;
  waitpid(other, &status, 0);
  close(answer[0]);
  close(answer[1]);
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(server.client().get("/count").status == 200);
  CHECK(server.troubles() ==
        "a connection of user 65534 was refused: whoever may connect may run commands as user 0\n");
}

TEST_CASE("the socket is ours alone, and goes with the server") {
  std::filesystem::path path;
  {
    TestServer server;
    path = server.socket();
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a socket that nobody listens on is replaced, a living one and a plain file are not touched") {
  TemporaryDirectory folder;
  {
    const ListeningSocket dead(folder / "s");
    std::filesystem::rename(folder / "s", folder / "kept");
  }
  std::filesystem::rename(folder / "kept", folder / "s");
  REQUIRE(std::filesystem::is_socket(folder / "s"));
  const ListeningSocket living(folder / "s");
  CHECK_THROWS_WITH_AS(ListeningSocket(folder / "s"), doctest::Contains("another memtrackd listens on"),
                       std::runtime_error);
  std::ofstream(folder / "file") << "precious";
  CHECK_THROWS_WITH_AS(ListeningSocket(folder / "file"), doctest::Contains("is in the way and is no socket"),
                       std::runtime_error);
  CHECK(std::filesystem::is_regular_file(folder / "file"));
}

TEST_CASE("a path that is too long for a socket is refused with its length") {
  TemporaryDirectory folder;
  CHECK_THROWS_WITH_AS(ListeningSocket(folder / std::string(120, 'x')), doctest::Contains("at most 107"),
                       std::runtime_error);
}

TEST_CASE("where nobody listens, the client says how to start a daemon") {
  TemporaryDirectory folder;
  CHECK_THROWS_WITH_AS(ApiClient(folder / "s").get("/v1/health"), doctest::Contains("memtrack daemon start"), NoDaemon);
}

TEST_CASE("a descriptor of a connection does not reach a program that is started meanwhile") {
  TestServer server;
  const FileDescriptor connection = connect_to(server.socket());
  CHECK(server.client().get("/count").status == 200);  // so that the first is accepted too
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int number = std::stoi(entry.path().filename());
    const int flags = fcntl(number, F_GETFD);
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (flags >= 0 && target.starts_with("socket:") && number > 2) {
      CAPTURE(number);
      CHECK((flags & FD_CLOEXEC) != 0);
    }
  }
}
