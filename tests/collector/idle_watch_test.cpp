// Settling and baselines, with the real collector.

#include <doctest/doctest.h>
#include <signal.h>

#include <filesystem>
#include <thread>

#include "storage/trial_queue.h"
#include "tests/collector/collected_trial.h"

using namespace memtrack;
using namespace memtrack::testing;
using namespace std::chrono_literals;

TEST_CASE("a baseline is sampled before the start and after the end, and is not counted to the trial") {
  CollectedTrial trial({"sleep", "0.2"}, {.interval = 50ms, .baseline = 200ms});
  CHECK(trial.run() == 0);
  CHECK(trial.state() == "done");
  const std::string baseline = "SELECT count(*) FROM samples, trials WHERE kind = 'baseline' AND time_ns ";
  CHECK(trial.number(baseline + "< started_ns") >= 2);  // at 0, 50, ... 200 ms, where the machine lets us
  CHECK(trial.number(baseline + "< started_ns") <= 5);
  CHECK(trial.number(baseline + "> ended_ns") >= 2);
  CHECK(trial.number(baseline + "> ended_ns") <= 5);
  CHECK(trial.number("SELECT (started_ns - min(time_ns)) / 1e6 FROM samples, trials") >= 200);
  CHECK(trial.sql("SELECT count(tree_rss_bytes) FROM samples WHERE kind = 'baseline'") == "0");
  CHECK(trial.sql("SELECT baseline_used_bytes = (SELECT avg(used_bytes) FROM samples WHERE kind = 'baseline') FROM "
                  "trial_memory") == "1");
  CHECK(trial.sql("SELECT avg_used_bytes = (SELECT avg(used_bytes) FROM samples WHERE kind = 'tick') FROM "
                  "trial_memory") == "1");
  CHECK(trial.sql("SELECT count(*) FROM (SELECT time_ns - lag(time_ns) OVER () AS d FROM (SELECT time_ns FROM samples "
                  "ORDER BY time_ns)) WHERE d <= 0") == "0");
}

TEST_CASE("settling waits before the command, which is told by its start") {
  CollectedTrial trial({"true"}, {.interval = 50ms, .settle = 300ms});
  const std::int64_t begin_ns = now_ns();
  CHECK(trial.run() == 0);
  CHECK(trial.number("SELECT started_ns FROM trials") - static_cast<double>(begin_ns) >= 300e6);
  CHECK(trial.sql("SELECT count(*) FROM samples WHERE kind = 'baseline'") == "0");
}

TEST_CASE("a trial that is cancelled while the machine settles never starts its command") {
  CollectedTrial trial({"touch", "started"}, {.interval = 50ms, .settle = 600s});
  const pid_t collector = trial.start();
  REQUIRE(wait_until([&] { return trial.sql("SELECT collector_pid FROM trials") != "NULL"; }));
  kill(collector, SIGTERM);
  CHECK(trial.wait() == 0);
  CHECK(trial.state() == "cancelled");
  CHECK(trial.reason() == "cancelled by SIGTERM before it started");
  CHECK(trial.sql("SELECT started_ns FROM trials") == "NULL");
  CHECK_FALSE(std::filesystem::exists(trial.path("started")));
}

TEST_CASE("a baseline of an interval that is longer has one sample") {
  CollectedTrial trial({"true"}, {.interval = 5s, .baseline = 50ms});
  CHECK(trial.run() == 0);
  CHECK(trial.sql("SELECT count(*) FROM samples WHERE kind = 'baseline'") == "2");  // one before, one after
}

TEST_CASE("a collector that stood still during the baseline leaves out what passed meanwhile") {
  CollectedTrial trial({"true"}, {.interval = 10ms, .baseline = 600s});
  const pid_t collector = trial.start();
  REQUIRE(wait_until([&] { return trial.sql("SELECT count(*) FROM samples") != "0"; }));
  kill(collector, SIGSTOP);
  std::this_thread::sleep_for(1s);  // what is tested is the time
  const std::string of_later = "SELECT count(*) FROM samples WHERE time_ns > " + std::to_string(now_ns());
  kill(collector, SIGCONT);
  CHECK(wait_until([&] { return trial.sql(of_later) != "0"; }));
  kill(collector, SIGTERM);
  CHECK(trial.wait() == 0);
  const double gap_ns =
      trial.number("SELECT max(gap) FROM (SELECT time_ns - lag(time_ns) OVER (ORDER BY time_ns) AS gap FROM samples)");
  const double span_ns = trial.number("SELECT max(time_ns) - min(time_ns) FROM samples");
  CHECK(gap_ns > 0.9e9);
  CHECK(trial.number("SELECT count(*) FROM samples") < (span_ns - gap_ns) / 10e6 + 30);  // 100 were missed
}

TEST_CASE("a collector that is killed during the baseline leaves a trial that never started") {
  CollectedTrial trial({"touch", "started"}, {.interval = 20ms, .baseline = 600s});
  const pid_t collector = trial.start();
  REQUIRE(wait_until([&] { return trial.sql("SELECT count(*) FROM samples") != "0"; }));
  kill(collector, SIGKILL);
  trial.wait();
  CHECK(trial.sql("SELECT started_ns FROM trials") == "NULL");
  CHECK(requeue_trial(trial.database(), trial.trial().trial_id));
  CHECK(trial.state() == "queued");
  CHECK(trial.sql("SELECT (SELECT count(*) FROM samples) + (SELECT count(*) FROM memory_totals)") == "0");
}
