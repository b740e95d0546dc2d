#pragma once

// What `memtrack run` and `memtrack attach` say on standard error when it is over: at most 80 columns.
//
//   memtrack: 2.23 s wall, 0.14 s CPU (user 0.01, system 0.13), exit code 0
//   memtrack: MiB          average       peak  22 ticks of 100ms
//   memtrack:   pss         202.10     203.00  largest of 3 readings, a lower bound
//   memtrack:   resident    202.95     208.02  the kernel's high-water mark, exact
//   memtrack:   system     1264.99    1300.10  used by all that runs on the machine
//   memtrack: trial 9; memtrack sql "SELECT * FROM trial_memory WHERE trial_id = 9"

#include <cstdint>
#include <optional>
#include <string>

#include "storage/database.h"

namespace memtrack {

struct RunSummary {
  std::int64_t trial_id = 0;
  std::string state = {};
  std::string reason = {};
  std::int64_t interval_ns = 0;
  std::optional<std::int64_t> started_ns = {}, ended_ns = {}, user_ns = {}, system_ns = {}, exit_code = {},
                              term_signal = {};
  std::optional<std::int64_t> tree_cpu_ns = {};  // from its first sample to its last
  std::int64_t tick_count = 0, late_ticks = 0;
  std::optional<double> average_tree_pss_bytes = {}, average_tree_rss_bytes = {}, average_used_bytes = {};
  std::int64_t tree_pss_count = 0, pss_skipped = 0;
  std::optional<std::int64_t> largest_pss_bytes = {}, peak_rss_bytes = {}, peak_rss_upper_bytes = {},
                              peak_cgroup_bytes = {}, max_used_bytes = {};
  std::int64_t processes_seen = 0;  // 0: not known
  std::optional<std::string> peak_source = {};
};

RunSummary load_run_summary(Database& database, std::int64_t trial_id);

// Some lines, each beginning with "memtrack: "; one alone where the command could not be started. `database_flag`: what
// a later command has to say to find the same database, such as "--db 'my runs.db' "; empty for the default one.
std::string run_summary_text(const RunSummary& summary, const std::string& database_flag);

}  // namespace memtrack
