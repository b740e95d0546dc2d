#pragma once

// One GET after the other over HTTP and HTTPS. The only user of libcurl.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace memtrack {

// What is too slow is broken off, to be tried again.
struct HttpLimits {
  std::chrono::milliseconds connect{20000};  // until the connection stands
  std::int64_t slow_bytes_per_s = 1024;      // less than this ...
  std::chrono::seconds slow_for{30};         // ... for so long
};

// Where a reply's contents go. What these throw ends the transfer and comes out of get().
struct HttpSink {
  // Once, before the first byte: where in the file the contents begin (0, or as asked), and the whole file's size where
  // it is told.
  std::function<void(std::int64_t first_byte, std::optional<std::int64_t> total_bytes)> begin;
  std::function<void(std::span<const std::uint8_t> bytes)> add;
};

enum class HttpEnd {
  complete,  // all that the server announced
  broken,    // no connection, cut, too slow, a status that may pass: worth another try
  refused,   // any other status, too many redirects, a certificate that is wrong: not to be had there
  no_range,  // 416, or another part than asked for: to be had from its beginning alone
};

struct HttpReply {
  HttpEnd end = HttpEnd::broken;
  std::string error;                    // "the server says 404"; empty where it is complete
  std::chrono::seconds retry_after{0};  // as the server asked
};

class HttpClient {
 public:
  explicit HttpClient(const HttpLimits& limits);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Asks for the contents from `first_byte` on (a Range where it is not 0). A server may answer with the whole file
  // all the same: sink.begin tells. At most 5 redirects, to http and https alone.
  HttpReply get(const std::string& url, std::int64_t first_byte, const HttpSink& sink);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

// "bytes 100-199/200" -> 100 and 200, "bytes 100-199/*" -> 100; nullopt for what is not of this form.
struct ContentRange {
  std::int64_t first_byte = 0;
  std::optional<std::int64_t> total_bytes;
  bool operator==(const ContentRange&) const = default;
};
std::optional<ContentRange> parse_content_range(std::string_view text);

// 408, 429 and what a server blames on itself for the moment (500, 502, 503, 504).
bool is_passing_status(long status);

}  // namespace memtrack
