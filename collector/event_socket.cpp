#include "collector/event_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "storage/paths.h"
#include "sweeps/event.h"

namespace memtrack {

EventSocket::EventSocket(std::filesystem::path path)
    : path_(std::move(path)),
      socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      buffer_(std::make_unique_for_overwrite<char[]>(kMaxEventBytes)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& name = checked_socket_path(path_).native();
  std::memcpy(address.sun_path, name.data(), name.size());
  unlink(name.c_str());
  // The file gets the mode that the socket has when it is bound.
  if (!socket_ || fchmod(socket_.get(), 0600) != 0 ||
      bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make the event socket " + name);
  }
}

EventSocket::~EventSocket() {
  unlink(path_.c_str());
}

std::optional<EventSocket::Datagram> EventSocket::receive() {
  // With MSG_TRUNC the length is the datagram's own, also where it did not fit.
  const ssize_t length = recv(socket_.get(), buffer_.get(), kMaxEventBytes, MSG_TRUNC | MSG_DONTWAIT);
  if (length < 0) {
    return std::nullopt;
  }
  const auto size = static_cast<std::size_t>(length);
  if (size > kMaxEventBytes) {
    return Datagram{.text = {}, .is_oversize = true};
  }
  return Datagram{.text = std::string_view(buffer_.get(), size)};
}

}  // namespace memtrack
