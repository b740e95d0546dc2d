#pragma once

// What GET /v1/health tells; docs/api.md names each member and its unit.

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "daemon/supervisor.h"
#include "storage/database.h"

namespace memtrack {

// What a service has done since its start, and how long its end may take.
struct ServiceFigures {
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  std::int64_t started = 0;   // trials
  std::int64_t adopted = 0;   // that ran already under collectors of an earlier service
  std::int64_t put_back = 0;  // into the queue, since they never began
  std::int64_t ended = 0;     // however they ended, the lost ones included
  std::int64_t lost = 0;
  std::optional<std::chrono::nanoseconds> drain = {};  // the setting, as it counts now

  void count(const TrialNews& news);
};

nlohmann::json health(Database& database, const ServiceFigures& figures);

}  // namespace memtrack
