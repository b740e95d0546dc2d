#pragma once

// Asking memtrackd over its socket, and waiting for the answer.
//
//   const ApiReply reply = ApiClient(daemon_socket_path("")).post("/v1/sweeps", to_json(request));
//   if (reply.status != 201) { throw UsageError(reply.error()); }

#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace memtrack {

// Nothing listens on the socket; what() names it and the way to start a daemon.
class NoDaemon : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct ApiReply {
  int status = 0;  // of HTTP
  nlohmann::json body;
  std::string error() const;  // the body's "error"; empty where there is none
};

// One connection a call. Throws NoDaemon; std::runtime_error where the connection broke or the answer is not JSON.
class ApiClient {
 public:
  explicit ApiClient(std::filesystem::path socket) : socket_(std::move(socket)) {}

  ApiReply get(const std::string& path) const;
  ApiReply post(const std::string& path, const nlohmann::json& body = nlohmann::json::object()) const;

 private:
  ApiReply exchange(const std::string& method, const std::string& path, const std::string& body) const;

  std::filesystem::path socket_;
};

}  // namespace memtrack
