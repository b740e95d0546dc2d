#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "storage/file_descriptor.h"

namespace memtrack {

// The unix datagram socket that the measured program sends its events to. Ours alone (mode 0600); removed at the end.
class EventSocket {
 public:
  // A socket that a killed collector left behind is replaced. Throws std::system_error.
  explicit EventSocket(std::filesystem::path path);
  ~EventSocket();
  EventSocket(const EventSocket&) = delete;
  EventSocket& operator=(const EventSocket&) = delete;

  int descriptor() const { return socket_.get(); }

  struct Datagram {
    std::string_view text;  // good until the next call
    bool is_oversize = false;
  };
  // nullopt: none waits.
  std::optional<Datagram> receive();

 private:
  std::filesystem::path path_;
  FileDescriptor socket_;
  std::unique_ptr<char[]> buffer_;  // not touched, and so not resident, until something is sent
};

}  // namespace memtrack
