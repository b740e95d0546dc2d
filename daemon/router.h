#pragma once

// Which handler answers a request. The table of routes is in api.cpp.

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace memtrack {

struct HttpRequest {
  std::vector<std::string> path_values;      // what stands at the {} of the pattern
  std::map<std::string, std::string> query;  // of ?sweep=3&state=done
  std::string body;
};

// A JSON document. A long one comes in pieces, so that memory does not grow with it: `body`, then what `next_piece`
// returns until it returns nullopt.
struct HttpResponse {
  int status = 200;
  std::string body = {};
  std::function<std::optional<std::string>()> next_piece = {};
};

// Answered as {"error": what()}.
class HttpError : public std::runtime_error {
 public:
  HttpError(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

std::string error_body(std::string_view what);

// What a handler may do: a listener for readers only will get those that read.
enum class Access { reads, changes };

struct Route {
  std::string_view method;   // GET, POST
  std::string_view pattern;  // "/v1/sweeps/{}/cancel"
  Access access;
  std::size_t max_body_bytes;
  std::function<boost::asio::awaitable<HttpResponse>(HttpRequest)> handler;
};

inline constexpr std::size_t kSmallBody = 64 * 1024;
inline constexpr std::size_t kSweepBody = 16 * 1024 * 1024;

// "/v1/trials?sweep=3&state=done". nullopt: wrong percent encoding.
struct Target {
  std::string path;
  std::map<std::string, std::string> query;
};
std::optional<Target> parse_target(std::string_view target);

// The values at the {} where `path` fits `pattern`.
std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path);

struct RouteMatch {
  const Route* route = nullptr;  // none: `allow` tells whether the path is known
  std::vector<std::string> path_values;
  std::string allow;  // "GET, POST": the methods of this path
};
RouteMatch find_route(std::span<const Route> routes, std::string_view method, std::string_view path);

}  // namespace memtrack
