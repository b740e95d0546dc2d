#pragma once

// The requests that memtrackd answers (design: docs/api.md). All bodies are JSON.

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "daemon/children.h"
#include "daemon/router.h"
#include "daemon/supervisor.h"
#include "storage/database.h"

namespace memtrack {

// What the handlers work with; it outlives them.
struct ApiContext {
  boost::asio::io_context& context;
  Children& children;
  Database& database;
  Supervisor& supervisor;
  ChildProgram submitter;  // reads a request on stdin, writes what run_submitter() writes
  std::function<void(const std::string&)> on_trouble;
  bool is_submitting = false;  // one at a time: a large file takes hundreds of MiB to parse
};

std::vector<Route> api_routes(ApiContext& api);

// The submitter's side: submits the request and returns {"status": 201, "body": {...}} for the daemon to pass on.
std::string run_submitter(const std::filesystem::path& database, const std::string& request);

}  // namespace memtrack
