#pragma once

// An HTTP server on 127.0.0.1 that answers as a test tells it to, faults included. One connection a request.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/datasets/fixture.h"

namespace memtrack::testing {

struct Request {
  std::string path;                        // "/mnist/t10k-labels-idx1-ubyte.gz"
  std::optional<std::int64_t> first_byte;  // of "Range: bytes=N-"
  int number = 1;                          // of the requests for this path, from 1
};

struct Reply {
  int status = 200;
  Bytes contents = {};
  std::vector<std::string> headers = {};        // "Location: /elsewhere"
  std::optional<std::size_t> cut_after = {};    // close after so many bytes of the contents
  std::optional<std::size_t> stall_after = {};  // send no more after so many, until the other end goes away
  bool tells_length = true;                     // else the end of the connection is that of the contents
};

class LoopbackServer {
 public:
  using Answer = std::function<Reply(const Request&)>;
  explicit LoopbackServer(Answer answer);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  std::string url() const;                // "http://127.0.0.1:40123"
  std::vector<Request> requests() const;  // so far

 private:
  void serve();
  void answer(int connection);

  Answer answer_;
  int listener_ = -1;
  int stop_[2] = {-1, -1};
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

// What a server does that knows ranges (206 with Content-Range, 416), and what one does that does not.
Reply with_range(const Request& request, const Bytes& file);
Reply whole(const Bytes& file);

}  // namespace memtrack::testing
