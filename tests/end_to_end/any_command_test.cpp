// The road from a command or a sweep file to an average, with programs that are not ours.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include <string>

#include "tests/end_to_end/session.h"

using memtrack::testing::CommandResult;
using memtrack::testing::Session;
using memtrack::testing::wait_until;

namespace {

// A sweep of `trials` trials that each sleep `seconds`; no training, no python.
std::string sleeping_sweep(int trials, const std::string& seconds, const std::string& interval = "20ms") {
  std::string values;
  for (int i = 1; i <= trials; ++i) {
    values += fmt::format("{}{}", i == 1 ? "" : ", ", i);
  }
  return fmt::format(
      "name: sleepers\nmethod: grid\nprogram: sleep\ncommand: [sh, -c, 'sleep {}', '${{args}}']\n"
      "parameters:\n  x: {{values: [{}]}}\nmemtrack: {{interval: {}, order: listed}}\n",
      seconds, values, interval);
}

bool process_runs(const Session& session, const std::string& marker) {
  return session.run(fmt::format("grep -qsaz '{}' /proc/[0-9]*/environ", marker)).exit_code == 0;
}

}  // namespace

TEST_CASE("memtrack run measures a program of known size to 2%") {
  const Session session;
  const CommandResult result = session.run(
      "memtrack run --interval 50ms -- python3 -c \"import time; time.sleep(0.2); b = b'x' * (400 << 20); "
      "time.sleep(1)\"");
  INFO(result.errors);
  REQUIRE(result.exit_code == 0);
  // What the interpreter itself holds is in the samples before the 400 MiB are there.
  const double base = std::stod(
      session.sql("SELECT tree_rss_bytes FROM samples WHERE tree_rss_bytes > 0 ORDER BY time_ns LIMIT 1 OFFSET 2"));
  const double peak = std::stod(session.sql("SELECT max(tree_rss_bytes) FROM samples"));
  CHECK((peak - base) / (400.0 * 1048576) == doctest::Approx(1).epsilon(0.02));
  CHECK(std::stod(session.sql("SELECT peak_rss_bytes FROM trial_memory")) >= peak);
  CHECK(result.errors.find("trial") != std::string::npos);
}

TEST_CASE("memtrack run gives back the command's own exit code") {
  const Session session;
  CHECK(session.run("memtrack run -- true").exit_code == 0);
  CHECK(session.run("memtrack run -- sh -c 'exit 7'").exit_code == 7);
  CHECK(session.run("memtrack run -- sh -c 'kill -9 $$'").exit_code == 137);
  CHECK(session.run("memtrack run -- ./nothing-here").exit_code == 127);
  CHECK(session.run("memtrack run -- /etc/passwd").exit_code == 126);
  CHECK(session.sql("SELECT group_concat(state, ' ') FROM trials") == "done failed failed failed failed");
}

TEST_CASE("memtrack run leaves the command its standard input and output") {
  const Session session;
  CHECK(session.output_of("echo hello | memtrack run -- tr a-z A-Z") == "HELLO\n");
}

TEST_CASE("the average of the report is the average of the samples, in our SQL and in the stock shell") {
  const Session session;
  session.write_file("s.yaml", sleeping_sweep(2, "0.5"));
  session.output_of("memtrack sweep s.yaml --local --wait");
  for (const char* trial : {"1", "2"}) {
    const std::string query =
        fmt::format("SELECT printf('%.3f', avg(used_bytes)) FROM samples WHERE kind='tick' AND trial_id={}", trial);
    const std::string stock = session.sql(query);
    REQUIRE_FALSE(stock.empty());
    CHECK(session.output_of(fmt::format("memtrack sql --format csv \"{}\"", query)).find(stock) != std::string::npos);
    CHECK(session.sql(fmt::format("SELECT printf('%.3f', avg_used_bytes) FROM trial_memory WHERE trial_id={}",
                                  trial)) == stock);
    const std::string mib = session.output_of(
        fmt::format("memtrack sql --format csv \"SELECT printf('%.2f', avg(used_bytes)/1048576) FROM samples WHERE "
                    "kind='tick' AND trial_id={}\" | tail -n 1 | tr -d '\"'",
                    trial));
    CHECK(session.output_of("memtrack report").find(mib.substr(0, mib.size() - 1)) != std::string::npos);
  }
}

TEST_CASE("a trial shorter than its interval shows no average, and why") {
  const Session session;
  session.write_file("s.yaml", sleeping_sweep(1, "0", "1h"));
  session.output_of("memtrack sweep s.yaml --local --wait");
  CHECK(session.sql("SELECT avg_used_bytes FROM trial_memory").empty());
  const std::string report = session.output_of("memtrack report");
  CHECK(report.find("--interval") != std::string::npos);
}

TEST_CASE("kill -9 of the daemon: the trial goes on being sampled, and the restarted daemon runs the rest") {
  const Session session;
  // The trial outlives the daemon however long killing that takes.
  session.write_file("s.yaml", sleeping_sweep(3, "2; until [ -e go ]; do sleep 0.02; done"));
  session.output_of("memtrack daemon start && memtrack sweep s.yaml");
  REQUIRE(wait_until([&] { return session.sql("SELECT count(*) > 5 FROM samples WHERE trial_id = 1") == "1"; }));
  session.output_of(
      "kill -9 $(curl -s --unix-socket run/memtrack/memtrackd.sock http://m/v1/health | "
      "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"pid\"])')");
  session.write_file("go", "");
  REQUIRE(wait_until([&] { return session.sql("SELECT state FROM trials WHERE trial_id = 1") == "done"; }));
  CHECK(session.sql("SELECT state FROM trials WHERE trial_id = 2") == "queued");
  // Without a gap: every tick of the interval is there or counted as late.
  CHECK(session.sql("SELECT tick_count + late_ticks >= 95 FROM trial_memory WHERE trial_id = 1") == "1");
  session.output_of("memtrack daemon start");
  REQUIRE(wait_until([&] { return session.sql("SELECT state FROM sweeps") == "done"; }));
  CHECK(session.sql("SELECT count(*) FROM trials WHERE state = 'done' AND attempt = 1") == "3");
  CHECK(session.sql("PRAGMA integrity_check") == "ok");
}

TEST_CASE("kill -9 of the collector: the trial is lost, and nothing of its tree lingers") {
  const Session session;
  session.write_file("family.sh", "setsid sh -c 'sleep 600 & sleep 600' &\nsleep 600\n");
  session.write_file("s.yaml",
                     "name: family\nmethod: grid\nprogram: family.sh\ncommand: [sh, '${program}']\n"
                     "parameters: {x: {values: [1]}}\nmemtrack: {interval: 20ms}\n");
  session.output_of("memtrack daemon start && memtrack sweep s.yaml");
  REQUIRE(wait_until([&] { return session.sql("SELECT max(process_count) >= 4 FROM samples") == "1"; }));
  const std::string marker = "MEMTRACK_TRIAL=" + session.sql("SELECT uid FROM trials");
  REQUIRE(process_runs(session, marker));
  session.output_of("kill -9 " + session.sql("SELECT collector_pid FROM trials"));
  REQUIRE(wait_until([&] { return session.sql("SELECT state FROM trials") == "lost"; }));
  CHECK(wait_until([&] { return !process_runs(session, marker); }));
  CHECK_FALSE(session.sql("SELECT reason FROM trials").empty());
}

TEST_CASE("a program that reads its parameters only from WANDB_SWEEP_PARAM_PATH gets those of its trial") {
  const Session session;
  session.write_file("train.py",
                     "import os\n"
                     "print('config:', open(os.environ['WANDB_SWEEP_PARAM_PATH']).read())\n"
                     "print('ids:', os.environ['WANDB_SWEEP_ID'] != '', os.environ['WANDB_RUN_ID'] != '')\n");
  session.write_file("s.yaml",
                     "program: train.py\nmethod: grid\nparameters:\n  lr: {values: [0.25, 0.5]}\n  depth: {value: 3}\n"
                     "memtrack: {order: listed, interval: 50ms}\n");
  session.output_of("memtrack sweep s.yaml --local --wait");
  const std::string first = session.output_of("memtrack logs 1");
  const std::string second = session.output_of("memtrack logs 2");
  CHECK(first.find("0.25") != std::string::npos);
  CHECK(second.find("0.5") != std::string::npos);
  CHECK(first.find("ids: True True") != std::string::npos);
  CHECK(session.sql("SELECT json_extract(parameters, '$.lr') FROM trials WHERE trial_id = 2") == "0.5");
}

TEST_CASE("the submitter's environment reaches the command and is readable by nobody else") {
  const Session session;
  session.write_file("s.yaml",
                     "program: p\nmethod: grid\ncommand: [sh, -c, 'echo value=$SECRET_OF_MINE dir=$(pwd)']\n"
                     "parameters: {x: {values: [1]}}\n");
  session.output_of("memtrack daemon start");
  session.output_of("mkdir -p deep && cd deep && SECRET_OF_MINE=4711 memtrack sweep ../s.yaml --wait");
  const std::string log = session.output_of("memtrack logs 1");
  CHECK(log.find("value=4711") != std::string::npos);
  CHECK(log.find("/deep") != std::string::npos);
  CHECK(session.sql("SELECT count(*) FROM trials WHERE command LIKE '%4711%' OR settings LIKE '%4711%'") == "0");
  CHECK(session.output_of("find memtrack.private -type f ! -perm 600").empty());
}

TEST_CASE("a command that fails, one that a signal ends and one that is not there are told apart") {
  const Session session;
  for (const char* command : {"'exit 3'", "'kill -SEGV $$'"}) {
    session.write_file(
        "s.yaml",
        fmt::format("program: p\nmethod: grid\ncommand: [sh, -c, {}]\nparameters: {{x: {{values: [1]}}}}\n", command));
    CHECK(session.run("memtrack sweep s.yaml --local --wait").exit_code == 1);
  }
  session.write_file("s.yaml",
                     "program: p\nmethod: grid\ncommand: [./no-such-program]\nparameters: {x: {values: [1]}}\n");
  CHECK(session.run("memtrack sweep s.yaml --local --wait").exit_code == 1);
  CHECK(session.sql("SELECT exit_code FROM trials WHERE trial_id = 1") == "3");
  CHECK(session.sql("SELECT term_signal FROM trials WHERE trial_id = 2") == "11");
  CHECK(session.sql("SELECT count(*) FROM trials WHERE state = 'failed'") == "3");
  CHECK(session.sql("SELECT reason FROM trials WHERE trial_id = 3").find("no-such-program") != std::string::npos);
}

TEST_CASE("what memtrack log sends becomes phases, epochs and metrics of the trial") {
  const Session session;
  session.output_of(
      "memtrack run --interval 20ms -- sh -c 'memtrack log phase=warm; sleep 0.2; memtrack log epoch=1 train_loss=0.5 "
      "test_accuracy=0.75; memtrack log my_figure=12'");
  CHECK(session.sql("SELECT train_loss || ' ' || test_accuracy || ' ' || loss_state FROM epochs") == "0.5 0.75 finite");
  CHECK(session.sql("SELECT value FROM metrics WHERE name = 'my_figure'") == "12.0");
  CHECK(session.sql("SELECT tick_count > 0 FROM phase_memory WHERE phase = 'warm'") == "1");
  CHECK(session.sql("SELECT events_malformed + events_missing FROM trial_totals") == "0");
}

TEST_CASE("cancelling a sweep ends what runs and drops what waits") {
  const Session session;
  session.write_file("s.yaml", sleeping_sweep(3, "600"));
  session.output_of("memtrack daemon start && memtrack sweep s.yaml");
  REQUIRE(wait_until([&] { return session.sql("SELECT count(*) > 0 FROM samples") == "1"; }));
  session.output_of("memtrack cancel");
  REQUIRE(wait_until([&] { return session.sql("SELECT count(*) FROM trials WHERE state = 'cancelled'") == "3"; }));
  CHECK(session.sql("SELECT state FROM sweeps") == "cancelled");
}

TEST_CASE("a trial over its timeout is ended and says so") {
  const Session session;
  session.write_file("s.yaml", sleeping_sweep(1, "600"));
  CHECK(session.run("memtrack sweep s.yaml --local --wait --timeout 300ms").exit_code == 1);
  CHECK(session.sql("SELECT state FROM trials") == "timed_out");
}

TEST_CASE("a wrong sweep file gets one error with file, line and column, exit 2, and leaves no trace") {
  const Session session;
  session.output_of("memtrack daemon start");
  const struct {
    std::string yaml;
    std::string message;
  } cases[] = {
      {"method: grid\nparameters: {epochs: {values: [1, two]}}\n", "s.yaml:2:"},
      {"method: grid\nparameters: {lerning_rate: {value: 0.1}}\n", "learning_rate"},
      {"method: grid\nparameters: {epochs: {values: []}}\n", "s.yaml:2:"},
      {"method: grid\nparameters: {epochs: {value: 1}}\nmemtrack: {intervall: 5s}\n", "interval"},
      {"method: grid\nparameters: {epochs: {value: 1}}\nmemtrack: {interval: 0s}\n", "s.yaml:3:"},
      {"method: grid\nparameters: [\n", "s.yaml:"},
      {"method: gird\nparameters: {epochs: {value: 1}}\n", "grid"},
      {"", "s.yaml"},
  };
  for (const auto& wrong : cases) {
    CAPTURE(wrong.yaml);
    session.write_file("s.yaml", wrong.yaml);
    for (const std::string how : {"", " --local", " --dry-run"}) {
      CAPTURE(how);
      const CommandResult result = session.run("memtrack sweep s.yaml" + how);
      CAPTURE(result.errors);
      CHECK(result.exit_code == 2);
      CHECK(result.output.empty());
      CHECK(result.errors.find(wrong.message) != std::string::npos);
      CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
    }
  }
  CHECK(session.sql("SELECT (SELECT count(*) FROM sweeps) + (SELECT count(*) FROM trials)") == "0");
}

TEST_CASE("without a daemon, submitting says how to start one and exits 3") {
  const Session session;
  session.write_file("s.yaml", sleeping_sweep(1, "0"));
  const CommandResult result = session.run("memtrack sweep s.yaml");
  CHECK(result.exit_code == 3);
  CHECK(result.errors.find("memtrack daemon start") != std::string::npos);
}
