#include "daemon/unix_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "storage/paths.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_un address_of(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, checked_socket_path(path).c_str(), path.native().size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // as bind(2) and connect(2) want it
}

FileDescriptor make_socket() {
  FileDescriptor descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!descriptor) {
    fail("cannot make a socket");
  }
  return descriptor;
}

void remove_stale(const fs::path& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    return;
  }
  if (!S_ISSOCK(status.st_mode)) {
    throw std::runtime_error(
        fmt::format("{} is in the way and is no socket; name another with --socket", path.string()));
  }
  if (connect_to(path)) {
    throw std::runtime_error(
        fmt::format("another memtrackd listens on {}; stop it ('memtrack daemon stop'), or name another with --socket",
                    path.string()));
  }
  fs::remove(path);
}

}  // namespace

ListeningSocket::ListeningSocket(fs::path path) : path_(std::move(path)) {
  const sockaddr_un address = address_of(path_);
  // Held over looking, removing and binding, so that of two daemons neither removes the other's new socket.
  // Never waited for here: in a folder like /tmp anybody may hold it.
  const FileDescriptor folder(open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
    fail("cannot use the folder of the socket, " + path_.parent_path().string());
  }
  remove_stale(path_);
  FileDescriptor descriptor = make_socket();
  const mode_t old_mask = umask(0177);
  const bool bound = bind(descriptor.get(), generic(address), sizeof address) == 0;
  const int error = errno;
  umask(old_mask);
  errno = error;
  struct stat status {};
  if (!bound || lstat(path_.c_str(), &status) != 0 || listen(descriptor.get(), SOMAXCONN) != 0) {
    fail("cannot listen on " + path_.string());
  }
  inode_ = status.st_ino;
  descriptor_ = std::move(descriptor);
}

ListeningSocket::~ListeningSocket() {
  remove();
}

void ListeningSocket::remove() {
  struct stat status {};
  if (inode_ && lstat(path_.c_str(), &status) == 0 && status.st_ino == *inode_) {
    unlink(path_.c_str());
  }
  inode_.reset();
}

FileDescriptor connect_to(const fs::path& path) {
  const sockaddr_un address = address_of(path);
  FileDescriptor descriptor = make_socket();
  while (connect(descriptor.get(), generic(address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) {
      return {};
    }
    if (errno != EINTR) {
      fail("cannot connect to " + path.string());
    }
  }
  return descriptor;
}

bool is_allowed_peer(uid_t peer, uid_t own) {
  return peer == own || peer == 0;
}

std::optional<uid_t> peer_user(int descriptor) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return std::nullopt;
  }
  return credentials.uid;
}

}  // namespace memtrack
