#pragma once

// From a sweep file to queued trials. memtrackd does it in a short-lived child, `memtrack sweep --local` in its own
// process; both go through submit().
//
//   {"config": "name: a\n...", "file": "a.yaml", "cwd": "/home/me", "environment": {"PATH": "/usr/bin"},
//    "overrides": {"set": {"epochs": "1"}, "interval": "100ms", "timeout": "2h", "repeats": 3, "order": "listed",
//                  "seed": 1, "jobs": 1, "retries": 0, "priority": 0, "method": "random", "count": 5}}
//   -> {"sweeps": [{"sweep_id": 3, "uid": "..", "name": "a", "trials": 22, "open_ended": false, "warnings": []}]}

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sweeps/sweep.h"

namespace memtrack {

// The request is at fault; what() says what would be right.
class SubmissionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct SubmissionRequest {
  std::string config;                              // the sweep file's text
  std::string file;                                // its name, for messages only
  std::string cwd;                                 // absolute; where the commands run
  std::map<std::string, std::string> environment;  // of the commands; kept in a file of mode 0600, never shown
  Overrides overrides;
  std::optional<Share> share = {};  // of --local alone: a daemon is never asked for one
};

// What all that runs here may take of memory together.
struct MemoryRoom {
  std::int64_t bytes = 0;
  std::string bound = {};  // "this machine has", or the group that allows no more: "the cgroup /sys/fs/cgroup/a allows"
};

// The smaller of the machine's memory and the limits of the groups that trials are made in: our own, and all above it;
// root's under cgroup v2 are at the top. `proc`, `cgroups`: /proc and /sys/fs/cgroup.
MemoryRoom memory_room(std::int64_t machine_bytes, const std::filesystem::path& proc,
                       const std::filesystem::path& cgroups, bool as_root);

// On this machine, for this process.
MemoryRoom memory_room_here();

// The request as JSON. Throws SubmissionError where it is none, or is nested deeper than anything of ours.
nlohmann::json parse_request(std::string_view text);

// Throws SubmissionError where a member is missing or of the wrong type. Unknown members are ignored, but not those of
// `overrides`, which would change what runs.
SubmissionRequest parse_submission(const nlohmann::json& request);

// The member "overrides" alone. Throws as above.
Overrides parse_overrides(const nlohmann::json& object);

// Bytes that are no UTF-8 become U+FFFD.
nlohmann::json to_json(const SubmissionRequest& request);
nlohmann::json to_json(const Overrides& overrides);  // what was given, and nothing else

// Stores the sweeps, all or none, and beside the database each one's environment: a queued trial has it always.
// Throws SubmissionError or SweepError where the request is at fault (nothing was stored), StorageError otherwise.
nlohmann::json submit(const std::filesystem::path& database, const SubmissionRequest& request);

}  // namespace memtrack
