#include "collector/outcome.h"

#include <doctest/doctest.h>
#include <signal.h>

using namespace memtrack;
using namespace std::chrono_literals;

namespace {

int exited(int code) {
  return code << 8;
}
int signalled(int signal) {
  return signal;
}

constexpr std::int64_t kMiB = 1024 * 1024;

}  // namespace

TEST_CASE("how a command ended becomes a state and a sentence") {
  const struct {
    EndFacts facts;
    TrialState state;
    const char* reason;
  } cases[] = {
      {{.wait_status = exited(0)}, TrialState::done, ""},
      {{.wait_status = exited(3)}, TrialState::failed, "exited with code 3"},
      {{.told = "no data", .wait_status = exited(3)}, TrialState::failed, "exited with code 3: no data"},
      {{.told = "no data", .wait_status = exited(0)}, TrialState::done, ""},
      {{.wait_status = signalled(SIGSEGV)}, TrialState::failed, "ended by signal 11 (SIGSEGV)"},
      {{.wait_status = signalled(SIGKILL)}, TrialState::failed, "ended by signal 9 (SIGKILL)"},
      {{.wait_status = signalled(SIGKILL), .oom_kills = 0}, TrialState::failed, "ended by signal 9 (SIGKILL)"},
      {{.wait_status = signalled(SIGKILL), .oom_kills = 1, .memory_limit_bytes = 512 * kMiB},
       TrialState::oom_killed,
       "ended by signal 9 (SIGKILL); for want of memory the kernel killed 1 process of it (memory_limit 512MiB)"},
      {{.wait_status = exited(1), .oom_kills = 3},
       TrialState::oom_killed,
       "exited with code 1; for want of memory the kernel killed 3 processes of it"},
      {{.wait_status = exited(0), .oom_kills = 1},
       TrialState::done,
       "for want of memory the kernel killed 1 process of it"},
      {{.cause = EndCause::cancelled, .cancel_signal = "SIGTERM", .wait_status = exited(1), .oom_kills = 1},
       TrialState::cancelled,
       "cancelled by SIGTERM; for want of memory the kernel killed 1 process of it"},
      {{.wait_status = exited(0), .outlived = 1}, TrialState::done, "1 process outlived the command and was ended"},
      {{.wait_status = exited(1), .outlived = 2},
       TrialState::failed,
       "exited with code 1; 2 processes outlived the command and were ended"},
      {{.wait_status = exited(0), .outlived = 3, .unkillable = 1},
       TrialState::done,
       "1 process outlived the command and could not be ended"},
      {{.cause = EndCause::timed_out, .timeout = 1500ms, .wait_status = signalled(SIGTERM)},
       TrialState::timed_out,
       "ran longer than its timeout of 1.5 s"},
      {{.cause = EndCause::timed_out, .timeout = 7200s, .had_to_kill = true, .wait_status = signalled(SIGKILL)},
       TrialState::timed_out,
       "ran longer than its timeout of 7200 s; it did not end on SIGTERM and was killed"},
      {{.cause = EndCause::cancelled, .cancel_signal = "SIGTERM", .wait_status = exited(0), .outlived = 2},
       TrialState::cancelled,
       "cancelled by SIGTERM"},
  };
  for (const auto& expected : cases) {
    CAPTURE(expected.reason);
    const TrialOutcome outcome = decide_outcome(expected.facts);
    CHECK(outcome.state == expected.state);
    CHECK(outcome.reason == expected.reason);
    CHECK(outcome.oom_kill_count == expected.facts.oom_kills);
  }
}

TEST_CASE("exit code and signal exclude each other") {
  const TrialOutcome by_code = decide_outcome({.wait_status = exited(9)});
  CHECK(by_code.exit_code == 9);
  CHECK_FALSE(by_code.term_signal);
  const TrialOutcome by_signal = decide_outcome({.wait_status = signalled(9)});
  CHECK(by_signal.term_signal == 9);
  CHECK_FALSE(by_signal.exit_code);
}

TEST_CASE("resource usage is in bytes and nanoseconds") {
  EndFacts facts;
  facts.usage.ru_maxrss = 1024;
  facts.usage.ru_utime = {.tv_sec = 2, .tv_usec = 5};
  facts.usage.ru_stime = {.tv_sec = 0, .tv_usec = 7};
  const TrialOutcome outcome = decide_outcome(facts);
  CHECK(outcome.max_rss_bytes == kMiB);
  CHECK(outcome.user_ns == 2'000'005'000);
  CHECK(outcome.system_ns == 7'000);
  CHECK_FALSE(outcome.oom_kill_count);
}

TEST_CASE("the command's largest process is not recorded where it may be our own from before the exec") {
  EndFacts facts;
  facts.usage.ru_maxrss = 8 * 1024;
  facts.max_rss_floor_bytes = 8 * kMiB;
  CHECK_FALSE(decide_outcome(facts).max_rss_bytes);
  facts.usage.ru_maxrss += 4;
  CHECK(decide_outcome(facts).max_rss_bytes == 8 * kMiB + 4096);
}

TEST_CASE("the peak of one process is the kernel's own mark, whatever was sampled") {
  TrialTotals totals;
  decide_peaks({.high_water = {.processes_seen = 1, .largest_bytes = 50 * kMiB, .sum_bytes = 50 * kMiB},
                .largest_rss_sample_bytes = 40 * kMiB,
                .largest_anon_sample_bytes = 30 * kMiB,
                .max_rss_bytes = 70 * kMiB,
                .max_rss_floor_bytes = 8 * kMiB},
               totals);
  CHECK(totals.peak_rss_bytes == 70 * kMiB);
  CHECK(totals.peak_rss_upper_bytes == 70 * kMiB);
  CHECK(totals.peak_anon_bytes == 30 * kMiB);
  CHECK(totals.peak_source == "kernel");
}

TEST_CASE("a maximum that may be our own, from before exec, is not taken for the command's") {
  PeakFacts facts{.high_water = {.processes_seen = 1, .largest_bytes = 2 * kMiB, .sum_bytes = 2 * kMiB},
                  .max_rss_bytes = 7 * kMiB,
                  .max_rss_floor_bytes = 8 * kMiB};
  TrialTotals totals;
  decide_peaks(facts, totals);
  CHECK(totals.peak_rss_bytes == 2 * kMiB);  // seen, so a lower bound
  CHECK(totals.peak_rss_upper_bytes == 7 * kMiB);
  CHECK(totals.peak_source == "samples");
  facts.high_water = {.processes_seen = 1};
  decide_peaks(facts, totals);
  CHECK_FALSE(totals.peak_rss_bytes);
  CHECK_FALSE(totals.peak_source);
}

TEST_CASE("the peak of several processes is the largest sample, with the sum of their marks above it") {
  TrialTotals totals;
  PeakFacts facts{.high_water = {.processes_seen = 2, .largest_bytes = 50 * kMiB, .sum_bytes = 80 * kMiB},
                  .largest_rss_sample_bytes = 60 * kMiB,
                  .max_rss_bytes = 55 * kMiB,
                  .max_rss_floor_bytes = 8 * kMiB};
  decide_peaks(facts, totals);
  CHECK(totals.peak_rss_bytes == 60 * kMiB);
  CHECK(totals.peak_rss_upper_bytes == 85 * kMiB);  // the largest grew after its mark was read
  CHECK(totals.peak_source == "samples");
}

TEST_CASE("a child that was never seen, but was waited for, makes several processes") {
  TrialTotals totals;
  decide_peaks({.high_water = {.processes_seen = 1, .largest_bytes = 5 * kMiB, .sum_bytes = 5 * kMiB},
                .largest_rss_sample_bytes = 5 * kMiB,
                .has_waited_for_children = true,
                .max_rss_bytes = 300 * kMiB,
                .max_rss_floor_bytes = 8 * kMiB},
               totals);
  CHECK(totals.peak_source == "samples");
  CHECK(totals.peak_rss_bytes == 5 * kMiB);
  CHECK(totals.peak_rss_upper_bytes == 300 * kMiB);
}

TEST_CASE("an attached process's mark counts as its peak only where it rose while it was watched") {
  PeakFacts facts{.high_water = {.processes_seen = 1, .largest_bytes = 500, .sum_bytes = 500},
                  .largest_rss_sample_bytes = 300,
                  .attached = AttachedPeakFacts{.first_mark_bytes = 500}};
  const auto peaks = [&] {
    TrialTotals totals;
    decide_peaks(facts, totals);
    return totals;
  };
  CHECK(peaks().peak_rss_bytes == 300);  // 500 was before
  CHECK(peaks().peak_rss_upper_bytes == 500);
  CHECK(peaks().peak_source == "samples");
  facts.attached->first_mark_bytes = 400;
  CHECK(peaks().peak_rss_bytes == 500);
  CHECK(peaks().peak_rss_upper_bytes == 500);
  CHECK(peaks().peak_source == "kernel");
  facts.attached->has_ended = true;  // and may have grown at its very end
  CHECK(peaks().peak_rss_bytes == 500);
  CHECK(peaks().peak_source == "samples");
  facts.attached->has_ended = false;
  facts.has_waited_for_children = true;  // that came and went between two samples
  CHECK(peaks().peak_source == "samples");
  facts.has_waited_for_children = false;
  facts.high_water = {.processes_seen = 2, .largest_bytes = 500, .sum_bytes = 700};
  CHECK(peaks().peak_rss_bytes == 300);
  CHECK(peaks().peak_rss_upper_bytes == 700);
  CHECK(peaks().peak_source == "samples");
  facts.high_water = {};
  facts.largest_rss_sample_bytes = {};
  CHECK_FALSE(peaks().peak_rss_bytes);
  CHECK_FALSE(peaks().peak_source);
}

TEST_CASE("signals have names") {
  CHECK(signal_name(SIGTERM) == "SIGTERM");
  CHECK(signal_name(SIGRTMIN + 3) == "signal " + std::to_string(SIGRTMIN + 3));
}
