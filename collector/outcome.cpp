#include "collector/outcome.h"

#include <fmt/format.h>
#include <string.h>
#include <sys/wait.h>

#include <algorithm>

#include "sweeps/sweep.h"

namespace memtrack {
namespace {

std::int64_t to_ns(const timeval& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_usec * 1000;
}

std::string describe_end(const EndFacts& facts) {
  const std::string killed = facts.had_to_kill ? "; it did not end on SIGTERM and was killed" : "";
  switch (facts.cause) {
    case EndCause::timed_out: {
      const double seconds = std::chrono::duration<double>(facts.timeout.value_or(std::chrono::seconds(0))).count();
      return fmt::format("ran longer than its timeout of {} s{}", seconds, killed);
    }
    case EndCause::cancelled:
      return fmt::format("cancelled by {}{}", facts.cancel_signal, killed);
    case EndCause::command:
      break;
  }
  const std::string told = facts.told.empty() ? "" : ": " + facts.told;
  if (WIFSIGNALED(facts.wait_status)) {
    const int signal = WTERMSIG(facts.wait_status);
    return fmt::format("ended by signal {} ({}){}", signal, signal_name(signal), told);
  }
  const int code = WEXITSTATUS(facts.wait_status);
  return code == 0 ? "" : fmt::format("exited with code {}{}", code, told);
}

std::string describe_outlived(const EndFacts& facts) {
  if (facts.unkillable > 0) {
    return fmt::format("{} {} outlived the command and could not be ended", facts.unkillable,
                       facts.unkillable == 1 ? "process" : "processes");
  }
  // Where we end a trial ourselves, that its processes are still there is the ordinary case.
  if (facts.outlived == 0 || facts.cause != EndCause::command) {
    return "";
  }
  return facts.outlived == 1 ? "1 process outlived the command and was ended"
                             : fmt::format("{} processes outlived the command and were ended", facts.outlived);
}

// Whoever of the trial was hit, the command or a worker that it may not even miss.
std::string describe_oom_kills(const EndFacts& facts) {
  const std::int64_t kills = facts.oom_kills.value_or(0);
  if (kills == 0) {
    return "";
  }
  return fmt::format(
      "for want of memory the kernel killed {} {} of it{}", kills, kills == 1 ? "process" : "processes",
      facts.memory_limit_bytes ? fmt::format(" (memory_limit {})", format_size(*facts.memory_limit_bytes)) : "");
}

TrialState decide_state(const EndFacts& facts) {
  switch (facts.cause) {
    case EndCause::timed_out:
      return TrialState::timed_out;
    case EndCause::cancelled:
      return TrialState::cancelled;
    case EndCause::command:
      break;
  }
  if (WIFEXITED(facts.wait_status) && WEXITSTATUS(facts.wait_status) == 0) {
    return TrialState::done;
  }
  return facts.oom_kills.value_or(0) > 0 ? TrialState::oom_killed : TrialState::failed;
}

// A mark of one process that rose while we looked was reached while we looked. One that did not, or marks of several,
// only bound what was.
void decide_attached_peaks(const PeakFacts& facts, TrialTotals& totals) {
  const Reading mark = facts.high_water.largest_bytes;
  const Reading first_mark = facts.attached->first_mark_bytes;
  const bool has_risen = facts.high_water.processes_seen == 1 && first_mark && mark > first_mark;
  const bool is_exact = has_risen && !facts.attached->has_ended && !facts.has_waited_for_children;
  totals.peak_rss_bytes = std::max(facts.largest_rss_sample_bytes, has_risen ? mark : Reading());
  totals.peak_rss_upper_bytes = std::max(facts.high_water.sum_bytes, totals.peak_rss_bytes);
  if (totals.peak_rss_bytes) {
    totals.peak_source = is_exact ? "kernel" : "samples";
  }
}

// ru_maxrss begins at the resident memory of who forked the command: not above that, it says nothing of the command.
Reading above_floor(Reading max_rss_bytes, std::int64_t floor_bytes) {
  return max_rss_bytes > floor_bytes ? max_rss_bytes : std::nullopt;
}

}  // namespace

std::string signal_name(int signal) {
  const char* abbreviation = sigabbrev_np(signal);
  return abbreviation != nullptr ? fmt::format("SIG{}", abbreviation) : fmt::format("signal {}", signal);
}

TrialOutcome decide_outcome(const EndFacts& facts) {
  TrialOutcome outcome;
  outcome.state = decide_state(facts);
  outcome.ended_ns = facts.ended_ns;
  outcome.oom_kill_count = facts.oom_kills;
  for (const std::string& part : {describe_end(facts), describe_oom_kills(facts), describe_outlived(facts)}) {
    outcome.reason += (outcome.reason.empty() || part.empty() ? "" : "; ") + part;
  }
  if (WIFEXITED(facts.wait_status)) {
    outcome.exit_code = WEXITSTATUS(facts.wait_status);
  } else if (WIFSIGNALED(facts.wait_status)) {
    outcome.term_signal = WTERMSIG(facts.wait_status);
  }
  outcome.max_rss_bytes = above_floor(std::int64_t{facts.usage.ru_maxrss} * 1024, facts.max_rss_floor_bytes);
  outcome.user_ns = to_ns(facts.usage.ru_utime);
  outcome.system_ns = to_ns(facts.usage.ru_stime);
  return outcome;
}

void decide_peaks(const PeakFacts& facts, TrialTotals& totals) {
  totals.peak_anon_bytes = facts.largest_anon_sample_bytes;
  if (facts.attached) {
    decide_attached_peaks(facts, totals);
    return;
  }
  totals.peak_cgroup_bytes = facts.cgroup_bytes;
  const Reading own_peak = above_floor(facts.max_rss_bytes, facts.max_rss_floor_bytes);
  // An empty reading is less than any figure.
  const Reading largest_mark = std::max({facts.high_water.largest_bytes, own_peak, facts.largest_rss_sample_bytes});
  if (facts.high_water.processes_seen <= 1 && !facts.has_waited_for_children) {
    // A command that stayed below our own resident memory: its ru_maxrss may be from before the exec, and only bounds
    // it.
    const bool is_exact = !facts.max_rss_bytes || own_peak;
    totals.peak_rss_bytes = largest_mark;
    totals.peak_rss_upper_bytes = std::max(largest_mark, facts.max_rss_bytes);
    totals.peak_source = largest_mark ? std::optional<std::string>(is_exact ? "kernel" : "samples") : std::nullopt;
    return;
  }
  totals.peak_rss_bytes = facts.largest_rss_sample_bytes;
  // What wait4 says of the command may have come after the last reading of its mark.
  const std::int64_t grown =
      std::max<std::int64_t>(0, own_peak.value_or(0) - facts.high_water.largest_bytes.value_or(0));
  totals.peak_rss_upper_bytes =
      largest_mark ? std::max(Reading(facts.high_water.sum_bytes.value_or(0) + grown), largest_mark) : std::nullopt;
  totals.peak_source = totals.peak_rss_bytes ? std::optional<std::string>("samples") : std::nullopt;
}

}  // namespace memtrack
