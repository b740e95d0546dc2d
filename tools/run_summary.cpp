#include "tools/run_summary.h"

#include <fmt/format.h>

#include <chrono>

#include "storage/query.h"
#include "sweeps/sweep.h"
#include "tools/text.h"
#include "tools/values.h"

namespace memtrack {
namespace {

std::string seconds_text(const std::optional<std::int64_t>& ns) {
  return ns ? format_seconds(static_cast<double>(*ns) / 1e9) : "?";
}

std::string end_text(const RunSummary& summary) {
  const bool ended_by_itself = summary.state == "done" || summary.state == "failed";
  if (!summary.reason.empty()) {  // "exited with code 7", "lost: its collector ended without recording the outcome"
    return (ended_by_itself ? "" : summary.state + ": ") + escape_controls(summary.reason);
  }
  return summary.exit_code ? fmt::format("exit code {}", *summary.exit_code) : summary.state;
}

std::string time_line(const RunSummary& summary) {
  const bool timed = summary.started_ns && summary.ended_ns;
  const auto wall = timed ? std::optional(*summary.ended_ns - *summary.started_ns) : std::nullopt;
  const auto cpu =
      summary.user_ns && summary.system_ns ? std::optional(*summary.user_ns + *summary.system_ns) : std::nullopt;
  return fmt::format("memtrack: {} wall, {} CPU ({} user, {} system), {}\n", seconds_text(wall), seconds_text(cpu),
                     seconds_text(summary.user_ns), seconds_text(summary.system_ns), end_text(summary));
}

std::string peak_text(const RunSummary& summary) {
  if (!summary.peak_rss_bytes) {
    return "peak not read";
  }
  return fmt::format(
      "peak {} MiB ({})", format_mib(static_cast<double>(*summary.peak_rss_bytes)),
      summary.peak_source == "kernel" ? "the kernel's high-water mark" : "the largest sample, a lower bound");
}

std::string memory_lines(const RunSummary& summary) {
  const std::string interval = format_duration(std::chrono::nanoseconds(summary.interval_ns));
  if (summary.tick_count == 0) {
    return fmt::format(
        "memtrack: processes: {}; no average: it was shorter than the interval of {}, choose a shorter --interval\n",
        peak_text(summary), interval);
  }
  const auto average = [](const std::optional<double>& bytes) {
    return bytes ? format_mib(*bytes) + " MiB" : std::string("not read");
  };
  return fmt::format(
      "memtrack: processes: resident memory {} on average over {} of {}, {}\n"
      "memtrack: whole system: used memory {} on average\n",
      average(summary.average_tree_rss_bytes), count_of(summary.tick_count, "tick"), interval, peak_text(summary),
      average(summary.average_used_bytes));
}

}  // namespace

RunSummary load_run_summary(Database& database, std::int64_t trial_id) {
  const ResultTable found =
      query(database,
            "SELECT t.state, t.reason, t.interval_ns, t.started_ns, t.ended_ns, t.user_ns, t.system_ns, t.exit_code, "
            "t.term_signal, m.tick_count, m.avg_tree_rss_bytes, m.avg_used_bytes, m.peak_rss_bytes, m.peak_source "
            "FROM trials t, (SELECT * FROM trial_memory WHERE trial_id = ?1) m WHERE t.trial_id = ?1",
            {trial_id});
  const std::vector<Value>& row = found.rows.at(0);
  return {.trial_id = trial_id,
          .state = text_of(row[0]).value(),
          .reason = text_of(row[1]).value_or(""),
          .interval_ns = whole_of(row[2]).value(),
          .started_ns = whole_of(row[3]),
          .ended_ns = whole_of(row[4]),
          .user_ns = whole_of(row[5]),
          .system_ns = whole_of(row[6]),
          .exit_code = whole_of(row[7]),
          .term_signal = whole_of(row[8]),
          .tick_count = whole_of(row[9]).value_or(0),
          .average_tree_rss_bytes = real_of(row[10]),
          .average_used_bytes = real_of(row[11]),
          .peak_rss_bytes = whole_of(row[12]),
          .peak_source = text_of(row[13])};
}

std::string run_summary_text(const RunSummary& summary, const std::string& database_flag) {
  if (!summary.exit_code && !summary.term_signal && summary.state == "failed") {
    return fmt::format("memtrack: {}\n", escape_controls(summary.reason));  // it never started
  }
  return time_line(summary) + memory_lines(summary) +
         fmt::format("memtrack: trial {0}; memtrack sql {1}\"SELECT * FROM trial_memory WHERE trial_id = {0}\"\n",
                     summary.trial_id, database_flag);
}

}  // namespace memtrack
