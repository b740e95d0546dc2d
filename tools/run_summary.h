#pragma once

// What `memtrack run` says on standard error when the command has ended.

#include <cstdint>
#include <optional>
#include <string>

#include "storage/database.h"

namespace memtrack {

struct RunSummary {
  std::int64_t trial_id = 0;
  std::string state;
  std::string reason;
  std::int64_t interval_ns = 0;
  std::optional<std::int64_t> started_ns = {}, ended_ns = {}, user_ns = {}, system_ns = {}, exit_code = {},
                              term_signal = {};
  std::int64_t tick_count = 0;
  std::optional<double> average_tree_rss_bytes = {}, average_used_bytes = {};
  std::optional<std::int64_t> peak_rss_bytes = {};
  std::optional<std::string> peak_source = {};
};

RunSummary load_run_summary(Database& database, std::int64_t trial_id);

// Some lines, each beginning with "memtrack: "; one alone where the command could not be started. `database_flag`: what
// a later command has to say to find the same database, such as "--db 'my runs.db' "; empty for the default one.
std::string run_summary_text(const RunSummary& summary, const std::string& database_flag);

}  // namespace memtrack
