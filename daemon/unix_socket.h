#pragma once

// The address of the service: a unix socket that only its owner can reach.

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "storage/file_descriptor.h"

namespace memtrack {

class ListeningSocket {
 public:
  // Mode 0600. A socket that nobody listens on is replaced; a living one, and anything that is no socket, is refused
  // with std::runtime_error.
  explicit ListeningSocket(std::filesystem::path path);
  ~ListeningSocket();  // removes the socket, where it still is ours
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  // The descriptor, close-on-exec, to be owned by the caller. Once.
  int release() { return descriptor_.release(); }
  void remove();

 private:
  std::filesystem::path path_;
  FileDescriptor descriptor_;
  std::optional<ino_t> inode_;
};

// A connection to the socket. Empty where nobody listens; throws std::system_error where it cannot be tried.
FileDescriptor connect_to(const std::filesystem::path& path);

// Whoever may use the socket runs commands as us: it must be us, or root.
bool is_allowed_peer(uid_t peer, uid_t own);

// The user at the other end, as the kernel knows it.
std::optional<uid_t> peer_user(int descriptor);

}  // namespace memtrack
