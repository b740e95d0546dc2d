#include "tests/datasets/loopback_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <regex>
#include <stdexcept>
#include <system_error>

namespace memtrack::testing {
namespace {

void expect(bool holds, const char* what) {
  if (!holds) throw std::system_error(errno, std::generic_category(), what);
}

// Up to the empty line; what follows does not interest, a GET has no contents.
std::string read_head(int connection) {
  std::string head;
  char buffer[4096];
  while (head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t count = recv(connection, buffer, sizeof buffer, 0);
    if (count <= 0) break;
    head.append(buffer, static_cast<std::size_t>(count));
  }
  return head;
}

Request parse_head(const std::string& head) {
  Request request;
  std::smatch match;
  if (std::regex_search(head, match, std::regex("^GET ([^ ]+) "))) request.path = match[1];
  if (std::regex_search(head, match, std::regex("\r\nRange: bytes=([0-9]+)-\r\n"))) {
    request.first_byte = std::stoll(match[1]);
  }
  return request;
}

void send_all(int connection, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = send(connection, data, size, MSG_NOSIGNAL);
    if (count <= 0) return;
    data += count;
    size -= static_cast<std::size_t>(count);
  }
}

}  // namespace

LoopbackServer::LoopbackServer(Answer answer) : answer_(std::move(answer)) {
  // A proxy that is set for this machine knows nothing of it.
  setenv("no_proxy", "127.0.0.1", 1);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  expect(listener_ >= 0 && bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
             listen(listener_, 16) == 0 && getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
             pipe(stop_) == 0,
         "no server on the loopback interface");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

LoopbackServer::~LoopbackServer() {
  close(stop_[1]);
  thread_.join();
  close(stop_[0]);
  close(listener_);
}

std::string LoopbackServer::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::vector<Request> LoopbackServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void LoopbackServer::serve() {
  while (true) {
    pollfd waiting[] = {{listener_, POLLIN, 0}, {stop_[0], 0, 0}};
    if (poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0) return;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    answer(connection);
    close(connection);
  }
}

void LoopbackServer::answer(int connection) {
  Request request = parse_head(read_head(connection));
  {
    const std::lock_guard lock(mutex_);
    request.number += static_cast<int>(std::ranges::count(requests_, request.path, &Request::path));
    requests_.push_back(request);
  }
  const Reply reply = answer_(request);
  std::string head = fmt::format("HTTP/1.1 {} -\r\nConnection: close\r\n", reply.status);
  if (reply.tells_length) head += fmt::format("Content-Length: {}\r\n", reply.contents.size());
  for (const std::string& header : reply.headers) head += header + "\r\n";
  head += "\r\n";
  send_all(connection, head.data(), head.size());
  const std::size_t size = std::min({reply.contents.size(), reply.cut_after.value_or(reply.contents.size()),
                                     reply.stall_after.value_or(reply.contents.size())});
  send_all(connection, reinterpret_cast<const char*>(reply.contents.data()), size);
  if (reply.stall_after) {
    pollfd waiting[] = {{connection, POLLIN | POLLRDHUP, 0}, {stop_[0], 0, 0}};
    poll(waiting, 2, -1);
  }
}

Reply with_range(const Request& request, const Bytes& file) {
  if (!request.first_byte) return whole(file);
  const auto first = static_cast<std::size_t>(*request.first_byte);
  if (first >= file.size()) return {.status = 416, .headers = {fmt::format("Content-Range: bytes */{}", file.size())}};
  return {.status = 206,
          .contents = Bytes(file.begin() + *request.first_byte, file.end()),
          .headers = {fmt::format("Content-Range: bytes {}-{}/{}", first, file.size() - 1, file.size())}};
}

Reply whole(const Bytes& file) {
  return {.contents = file};
}

}  // namespace memtrack::testing
