#include "tools/run_summary.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "tests/text.h"
#include "tests/tools/recorded_sweep.h"
#include "tools/text.h"

using namespace memtrack;
using memtrack::testing::contains;
using memtrack::testing::kMiB;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::size_t widest(const std::string& text) {
  std::size_t width = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    width = std::max(width, display_width(line));
  }
  return width;
}

RunSummary one_process() {
  return {.trial_id = 5,
          .state = "done",
          .interval_ns = kSecond,
          .started_ns = 0,
          .ended_ns = 12 * kSecond,
          .user_ns = 10 * kSecond,
          .system_ns = kSecond,
          .exit_code = 0,
          .tick_count = 12,
          .average_tree_rss_bytes = 100.0 * kMiB,
          .average_used_bytes = 2000.0 * kMiB,
          .peak_rss_bytes = 120 * kMiB,
          .peak_rss_upper_bytes = 120 * kMiB,
          .max_used_bytes = 2001 * kMiB,
          .peak_source = "kernel"};
}

}  // namespace

TEST_CASE("the summary of one process: its average and the kernel's own mark") {
  CHECK(run_summary_text(one_process(), "") ==
        "memtrack: 12.0 s wall, 11.0 s CPU (user 10.0, system 1.00), exit code 0\n"
        "memtrack: MiB           average       peak  12 ticks of 1s\n"
        "memtrack:   resident     100.00     120.00  the kernel's high-water mark, exact\n"
        "memtrack:   system      2000.00    2001.00  used by all that runs on the machine\n"
        "memtrack: trial 5; memtrack sql \"SELECT * FROM trial_memory WHERE trial_id = 5\"\n");
}

TEST_CASE("the summary of processes that share memory shows pss first and never passes a sum for the truth") {
  RunSummary summary = one_process();
  summary.peak_source = "samples";
  summary.peak_rss_bytes = 2100 * kMiB;
  summary.peak_rss_upper_bytes = 2200 * kMiB;
  CHECK(contains(run_summary_text(summary, ""), "resident     100.00    2100.00  a lower bound; at most 2200.00\n"));
  CHECK(contains(run_summary_text(summary, ""),
                 "memtrack: resident is a sum: pages that processes share count once for each\n"));
  summary.processes_seen = 1;
  CHECK_FALSE(contains(run_summary_text(summary, ""), "resident is a sum"));
  summary.processes_seen = 5;
  summary.average_tree_pss_bytes = 530.0 * kMiB;
  summary.largest_pss_bytes = 540 * kMiB;
  summary.tree_pss_count = 3;
  summary.peak_cgroup_bytes = 700 * kMiB;
  summary.late_ticks = 2;
  CHECK(run_summary_text(summary, "") ==
        "memtrack: 12.0 s wall, 11.0 s CPU (user 10.0, system 1.00), exit code 0\n"
        "memtrack: MiB           average       peak  12 ticks of 1s, 2 missed\n"
        "memtrack:   pss          530.00     540.00  a lower bound, of 3 readings\n"
        "memtrack:   resident     100.00    2100.00  a lower bound; at most 2200.00\n"
        "memtrack:   cgroup            -     700.00  exact, page cache included\n"
        "memtrack:   system      2000.00    2001.00  used by all that runs on the machine\n"
        "memtrack: pss counts shared pages once, resident once for each process\n"
        "memtrack: trial 5; memtrack sql \"SELECT * FROM trial_memory WHERE trial_id = 5\"\n");
}

TEST_CASE("a summary says that pss was left out, and why") {
  RunSummary summary = one_process();
  summary.pss_skipped = 3;
  CHECK(contains(run_summary_text(summary, ""), "pss was not read 3 times: walking through a process that large"));
  summary.pss_skipped = 0;
  CHECK_FALSE(contains(run_summary_text(summary, ""), "was not read"));
}

TEST_CASE("a summary without ticks has no averages and says why") {
  RunSummary summary = one_process();
  summary.tick_count = 0;
  summary.average_tree_rss_bytes = summary.average_used_bytes = {};
  summary.max_used_bytes = {};
  const std::string text = run_summary_text(summary, "");
  CHECK(contains(text, "resident          -     120.00  the kernel's high-water mark, exact\n"));
  CHECK_FALSE(contains(text,
                       "system "
                       " "));
  CHECK(contains(text, "memtrack: no average: it was shorter than the interval of 1s; see --interval\n"));
}

TEST_CASE("a summary fits into 80 columns, but for a command that is to be copied") {
  RunSummary summary = one_process();
  summary.trial_id = 123456;
  summary.state = "timed_out";
  summary.reason =
      "ran longer than its timeout of 3600 s; it did not end on SIGTERM and was killed; 12 processes outlived it";
  summary.peak_source = "samples";
  summary.peak_rss_upper_bytes = 1234567 * kMiB;
  summary.average_tree_pss_bytes = 1234567.0 * kMiB;
  summary.largest_pss_bytes = 1234567 * kMiB;
  summary.tree_pss_count = 12345;
  CHECK(widest(run_summary_text(summary, "")) <= 80);
  CHECK(contains(run_summary_text(summary, "--db 'my runs.db' "),
                 "memtrack sql --db 'my runs.db' \"SELECT * FROM trial_memory WHERE trial_id = 123456\"\n"));
}

TEST_CASE("of a command that ended before its first sample the bound alone is said") {
  RunSummary summary = one_process();
  summary.tick_count = 0;
  summary.average_tree_rss_bytes = summary.average_used_bytes = {};
  summary.max_used_bytes = summary.peak_rss_bytes = {};
  summary.peak_rss_upper_bytes = kMiB;
  summary.peak_source = {};
  const std::string text = run_summary_text(summary, "");
  CHECK(contains(text, "resident          -          -  at most 1.00\n"));
  CHECK(contains(text, "memtrack: no average: it was shorter than the interval of 1s; see --interval\n"));
}

TEST_CASE("of a process that is not our child only its tree's CPU time is known") {
  RunSummary summary = one_process();
  summary.user_ns = summary.system_ns = summary.exit_code = {};
  summary.tree_cpu_ns = 3 * kSecond;
  summary.reason = "the process ended";
  CHECK(contains(run_summary_text(summary, ""), "12.0 s wall, 3.00 s CPU, the process ended\n"));
}

TEST_CASE("a summary of which nothing was read says so") {
  const std::string text = run_summary_text(
      {.trial_id = 5, .state = "lost", .reason = "its collector was killed", .interval_ns = kSecond}, "");
  CHECK(contains(text, "? wall, ? CPU, lost: its collector was killed\n"));
  CHECK(contains(text, "memtrack: nothing was read of its memory\n"));
}

TEST_CASE("a command that could not be started is told in one line") {
  const RunSummary summary{
      .trial_id = 5, .state = "failed", .reason = "could not start 'x': No such file", .interval_ns = 1};
  CHECK(run_summary_text(summary, "") == "memtrack: could not start 'x': No such file\n");
}
