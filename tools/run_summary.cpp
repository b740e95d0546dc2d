#include "tools/run_summary.h"

#include <fmt/format.h>

#include <chrono>
#include <vector>

#include "storage/query.h"
#include "sweeps/sweep.h"
#include "tools/text.h"
#include "tools/values.h"

namespace memtrack {
namespace {

constexpr std::string_view kPrefix = "memtrack: ";
constexpr std::string_view kIndent = "  ";  // of a line that goes on
constexpr std::size_t kWidth = 80;

std::string seconds_text(std::optional<std::int64_t> ns) {
  return ns ? format_seconds(static_cast<double>(*ns) / 1e9) : "?";
}

// "0.14", "1m15s"
std::string bare_seconds_text(std::optional<std::int64_t> ns) {
  const std::string text = seconds_text(ns);
  return text.substr(0, text.find(' '));
}

// In as many lines as it takes.
std::string said(std::string_view text) {
  std::string lines;
  for (const std::string& line : wrap_words(text, kWidth - kPrefix.size() - kIndent.size())) {
    lines += fmt::format("{}{}{}\n", kPrefix, lines.empty() ? "" : kIndent, line);
  }
  return lines;
}

std::string end_text(const RunSummary& summary) {
  const bool ended_by_itself = summary.state == "done" || summary.state == "failed";
  if (!summary.reason.empty()) {  // "exited with code 7", "lost: its collector ended without recording the outcome"
    return (ended_by_itself ? "" : summary.state + ": ") + escape_controls(summary.reason);
  }
  return summary.exit_code ? fmt::format("exit code {}", *summary.exit_code) : summary.state;
}

std::string cpu_text(const RunSummary& summary) {
  if (!summary.user_ns || !summary.system_ns) {  // known to a parent alone
    return fmt::format("{} CPU", seconds_text(summary.tree_cpu_ns));
  }
  return fmt::format("{} CPU (user {}, system {})", seconds_text(*summary.user_ns + *summary.system_ns),
                     bare_seconds_text(summary.user_ns), bare_seconds_text(summary.system_ns));
}

std::string time_text(const RunSummary& summary) {
  const bool timed = summary.started_ns && summary.ended_ns;
  const auto wall = timed ? std::optional(*summary.ended_ns - *summary.started_ns) : std::nullopt;
  return fmt::format("{} wall, {}, {}", seconds_text(wall), cpu_text(summary), end_text(summary));
}

std::string mib_or_dash(std::optional<double> bytes) {
  return bytes ? format_mib(*bytes) : "-";
}

std::optional<double> as_real(std::optional<std::int64_t> bytes) {
  return bytes ? std::optional(static_cast<double>(*bytes)) : std::nullopt;
}

std::string peak_note(const RunSummary& summary) {
  if (summary.peak_source == "kernel") {
    return "the kernel's high-water mark, exact";
  }
  if (!summary.peak_rss_upper_bytes) {
    return "largest sample, a lower bound";
  }
  return fmt::format("{}at most {}", summary.peak_rss_bytes ? "a lower bound; " : "",
                     mib_or_dash(as_real(summary.peak_rss_upper_bytes)));
}

struct Row {
  std::string_view label;
  std::optional<double> average;
  std::optional<double> peak;
  std::string note;
};

std::string memory_lines(const RunSummary& summary) {
  const std::string interval = format_duration(std::chrono::nanoseconds(summary.interval_ns));
  std::string ticks = fmt::format("{} of {}", count_of(summary.tick_count, "tick"), interval);
  if (summary.late_ticks > 0) {
    ticks += fmt::format(", {} missed", summary.late_ticks);
  }
  const std::vector<Row> rows = {
      {"pss", summary.average_tree_pss_bytes, as_real(summary.largest_pss_bytes),
       fmt::format("a lower bound, of {}", count_of(summary.tree_pss_count, "reading"))},
      {"resident", summary.average_tree_rss_bytes, as_real(summary.peak_rss_bytes), peak_note(summary)},
      {"cgroup", {}, as_real(summary.peak_cgroup_bytes), "exact, page cache included"},
      {"system", summary.average_used_bytes, as_real(summary.max_used_bytes), "used by all that runs on the machine"}};
  std::string lines;
  for (const Row& row : rows) {
    const bool is_bounded = row.label == "resident" && summary.peak_rss_upper_bytes;
    if (row.average || row.peak || is_bounded) {
      lines += fmt::format("{}  {:<8}{:>11}{:>11}  {}\n", kPrefix, row.label, mib_or_dash(row.average),
                           mib_or_dash(row.peak), row.note);
    }
  }
  if (lines.empty()) {
    return said("nothing was read of its memory");
  }
  lines = fmt::format("{}MiB       {:>11}{:>11}  {}\n", kPrefix, "average", "peak", ticks) + lines;
  if (summary.tick_count == 0) {
    lines += said(fmt::format("no average: it was shorter than the interval of {}; see --interval", interval));
  }
  return lines;
}

// A sum over processes is not to be taken for memory in use.
std::string sharing_lines(const RunSummary& summary) {
  if (summary.peak_source == "kernel" || summary.processes_seen == 1 ||
      (!summary.average_tree_rss_bytes && !summary.peak_rss_bytes)) {
    return "";
  }
  return said(summary.average_tree_pss_bytes || summary.largest_pss_bytes
                  ? "pss counts shared pages once, resident once for each process"
                  : "resident is a sum: pages that processes share count once for each");
}

std::string skipped_pss_lines(const RunSummary& summary) {
  return summary.pss_skipped == 0
             ? ""
             : said(fmt::format("pss was not read {}: walking through a process that large would hold it up for over "
                                "10 ms",
                                summary.pss_skipped == 1 ? "once" : fmt::format("{} times", summary.pss_skipped)));
}

// A command that is to be copied stays whole.
std::string sql_line(const RunSummary& summary, const std::string& database_flag) {
  const std::string trial = fmt::format("{}trial {};", kPrefix, summary.trial_id);
  const std::string command = fmt::format("memtrack sql {}\"SELECT * FROM trial_memory WHERE trial_id = {}\"\n",
                                          database_flag, summary.trial_id);
  const bool fits = trial.size() + command.size() <= kWidth;
  return trial + (fits ? " " : fmt::format("\n{}{}", kPrefix, kIndent)) + command;
}

}  // namespace

RunSummary load_run_summary(Database& database, std::int64_t trial_id) {
  const ResultTable found =
      query(database,
            "SELECT t.state, t.reason, t.interval_ns, t.started_ns, t.ended_ns, t.user_ns, t.system_ns, t.exit_code, "
            "t.term_signal, m.tick_count, m.late_ticks, m.avg_tree_pss_bytes, m.tree_pss_count, m.avg_tree_rss_bytes, "
            "m.avg_used_bytes, m.max_used_bytes, m.peak_rss_bytes, m.peak_rss_upper_bytes, m.peak_cgroup_bytes, "
            "m.peak_source, "
            "(SELECT count(DISTINCT pid) FROM processes WHERE trial_id = ?1), "
            "(SELECT max(tree_pss_max) FROM memory_totals WHERE trial_id = ?1 AND kind <> 'baseline'), "
            "(SELECT cpu_ns FROM samples WHERE trial_id = ?1 AND cpu_ns IS NOT NULL ORDER BY time_ns DESC LIMIT 1) - "
            "(SELECT cpu_ns FROM samples WHERE trial_id = ?1 AND cpu_ns IS NOT NULL ORDER BY time_ns LIMIT 1), "
            "(SELECT pss_skipped FROM trial_totals WHERE trial_id = ?1) "
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
          .tree_cpu_ns = whole_of(row[22]),
          .tick_count = whole_of(row[9]).value_or(0),
          .late_ticks = whole_of(row[10]).value_or(0),
          .average_tree_pss_bytes = real_of(row[11]),
          .average_tree_rss_bytes = real_of(row[13]),
          .average_used_bytes = real_of(row[14]),
          .tree_pss_count = whole_of(row[12]).value_or(0),
          .pss_skipped = whole_of(row[23]).value_or(0),
          .largest_pss_bytes = whole_of(row[21]),
          .peak_rss_bytes = whole_of(row[16]),
          .peak_rss_upper_bytes = whole_of(row[17]),
          .peak_cgroup_bytes = whole_of(row[18]),
          .max_used_bytes = whole_of(row[15]),
          .processes_seen = whole_of(row[20]).value_or(0),
          .peak_source = text_of(row[19])};
}

std::string run_summary_text(const RunSummary& summary, const std::string& database_flag) {
  if (!summary.exit_code && !summary.term_signal && summary.state == "failed") {
    return fmt::format("memtrack: {}\n", escape_controls(summary.reason));  // it never started
  }
  return said(time_text(summary)) + memory_lines(summary) + sharing_lines(summary) + skipped_pss_lines(summary) +
         sql_line(summary, database_flag);
}

}  // namespace memtrack
