#pragma once

// The requests that memtrackd answers. All bodies are JSON.
//
//   GET  /v1/health              one object, docs/api.md
//   POST /v1/sweeps              daemon/submission.h; 201
//   GET  /v1/sweeps              [{columns of `sweeps` without config, "trials": n, and n of each state}]
//   GET  /v1/sweeps/ID           the same of one, with config
//   GET  /v1/trials              [rows of `trials`]; ?sweep=ID, ?state=S
//   GET  /v1/trials/ID           the row, and "memory": the row of trial_memory
//   GET  /v1/trials/ID/samples   [rows of `samples`]
//   POST /v1/sweeps/ID/cancel    {"cancelled_queued": n, "signalled": n}
//   POST /v1/trials/ID/cancel    the same
//   POST /v1/sweeps/ID/retry     {"queued": [trial_id of each new attempt]}
//   POST /v1/trials/ID/retry     the same; 409 where there is nothing to retry
//   POST /v1/sweeps/ID/pause     {"paused": true}
//   POST /v1/sweeps/ID/resume    {"paused": false}
//
// Lists take ?limit=N and ?after=K, rows after that sweep_id, trial_id or time_ns; they come in pieces, as long as they
// are. Errors: 400, 404, 405, 409, 413, 431, 500, or 503 (the database is busy, try again), with {"error": "one
// sentence"}.

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "daemon/api_rows.h"
#include "daemon/children.h"
#include "daemon/health.h"
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
  const ServiceFigures& figures;
  ChildProgram submitter;  // reads a request on stdin, writes what run_submitter() writes
  std::function<void(const std::string&)> on_trouble;
  PageCache pages = {};
  bool is_submitting = false;  // one at a time: a large file takes hundreds of MiB to parse
};

std::vector<Route> api_routes(ApiContext& api);

// The submitter's side: submits the request and returns {"status": 201, "body": {...}} for the daemon to pass on.
std::string run_submitter(const std::filesystem::path& database, const std::string& request);

}  // namespace memtrack
