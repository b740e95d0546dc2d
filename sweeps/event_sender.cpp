#include "sweeps/event_sender.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace memtrack {
namespace {

constexpr std::size_t kMostKeptBytes = 65536;

// -1 where nobody listens at `path`: a program is not to fail because nobody measures it.
int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return -1;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    return -1;
  }
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(descriptor);
    return -1;
  }
  return descriptor;
}

// {"event":"phase"} -> {"event":"phase","seq":3,"sender":4711}
std::string numbered(std::string_view event, std::int64_t seq) {
  const std::string_view members = event.substr(0, event.rfind('}'));
  return std::string(members) + (members.ends_with('{') ? "" : ",") + "\"seq\":" + std::to_string(seq) +
         ",\"sender\":" + std::to_string(getpid()) + "}";
}

}  // namespace

EventSender::EventSender(std::string socket_path)
    : socket_path_(std::move(socket_path)), socket_(connect_to(socket_path_)) {}

EventSender::~EventSender() {
  flush();
  if (socket_ >= 0) {
    close(socket_);
  }
}

void EventSender::send(std::string_view event) {
  if (!is_connected()) {
    return;
  }
  std::string datagram = numbered(event, next_seq_++);
  if (flush() && send_now(datagram)) {
    return;
  }
  kept_bytes_ += datagram.size();
  kept_.push_back(std::move(datagram));
  while (kept_bytes_ > kMostKeptBytes) {
    kept_bytes_ -= kept_.front().size();
    kept_.pop_front();
  }
}

bool EventSender::flush() {
  while (!kept_.empty()) {
    if (!send_now(kept_.front())) {
      return false;
    }
    kept_bytes_ -= kept_.front().size();
    kept_.pop_front();
  }
  return true;
}

bool EventSender::flush_within(std::chrono::milliseconds patience) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (!flush()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return false;
    }
    pollfd writable{.fd = socket_, .events = POLLOUT, .revents = 0};
    poll(&writable, 1, static_cast<int>(left.count()));
  }
  return true;
}

// False where the reader is behind and the datagram has to be tried again. Whatever else goes wrong (the collector is
// gone, the datagram is too large) no later try would mend: it counts as sent, and the gap in `seq` tells.
bool EventSender::send_now(const std::string& datagram) {
  while (::send(socket_, datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno == EAGAIN || errno == ENOBUFS) {
      return false;
    }
    if (errno != EINTR) {
      return true;
    }
  }
  return true;
}

}  // namespace memtrack
