#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace memtrack {

// Sends events to a collector and never waits for it: what the socket does not take at once is kept, 64 KiB at most,
// and sent before the next event; beyond that the oldest is dropped, which the collector sees as a gap in `seq`.
// Without a socket path (a program run by hand) it does nothing.
class EventSender {
 public:
  // `socket_path`: what MEMTRACK_EVENTS holds; empty: send nothing. Never throws for a socket that is not there.
  explicit EventSender(std::string socket_path);
  ~EventSender();
  EventSender(const EventSender&) = delete;
  EventSender& operator=(const EventSender&) = delete;

  // `event`: what encode_phase, encode_epoch or encode_metric returned; "seq" and "sender" are added.
  void send(std::string_view event);

  // Tries once more to send what is kept. True where nothing is left.
  bool flush();

  // The same for as long as `patience`, while the reader is behind. For senders that end, and could not send it later.
  bool flush_within(std::chrono::milliseconds patience);

  bool is_connected() const { return socket_ >= 0; }

 private:
  bool send_now(const std::string& datagram);

  std::string socket_path_;
  int socket_ = -1;
  std::int64_t next_seq_ = 1;
  std::deque<std::string> kept_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace memtrack
