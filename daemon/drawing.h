#pragma once

// The next trials of an open-ended sweep, drawn ahead in small batches. The sweep file is parsed in a short-lived
// process, as when it was submitted, so that it costs the supervisor nothing.

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <filesystem>
#include <string>

#include "daemon/children.h"

namespace memtrack {

// That process's side: queues what is due, with the environment and from the folder of the submission. Nothing where
// the sweep has been cancelled meanwhile. Without that environment the sweep is closed: no more can be drawn of it.
// Returns why it went wrong; empty: it did not.
std::string draw_trials(const std::filesystem::path& database, std::int64_t sweep_id);

// The supervisor's side. Returns the same.
boost::asio::awaitable<std::string> run_drawing_process(Children& children, std::filesystem::path database,
                                                        std::int64_t sweep_id);

}  // namespace memtrack
