// memtrack against the real memtrackd.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "daemon/health.h"
#include "storage/database.h"
#include "tests/end_to_end/session.h"
#include "tests/text.h"
#include "tools/running_daemon.h"

using memtrack::testing::CommandResult;
using memtrack::testing::contains;
using memtrack::testing::Session;
using memtrack::testing::wait_until;

namespace {

std::string shell_sweep(const std::string& script, int trials = 2) {
  std::string values;
  for (int i = 1; i <= trials; ++i) {
    values += fmt::format("{}{}", i == 1 ? "" : ", ", i);
  }
  return fmt::format(
      "name: shell\nmethod: grid\nprogram: p\ncommand: [sh, -c, '{}', '${{args}}']\nparameters:\n  x: {{values: "
      "[{}]}}\nmemtrack: {{interval: 20ms, order: listed}}\n",
      script, values);
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr const char* kRemoveSocket = "rm run/memtrack/memtrackd.sock";

}  // namespace

TEST_CASE("the daemon starts once, says where it is, and stops") {
  const Session session;
  CHECK(session.run("memtrack daemon status").exit_code == 3);
  const std::string started = session.output_of("memtrack daemon start");
  CHECK(contains(started, "memtrackd started: pid "));
  CHECK(contains(started, (session.folder() / "run/memtrack/memtrackd.sock").string()));
  CHECK(contains(started, (session.folder() / "memtrack.db").string()));
  CHECK(contains(session.output_of("memtrack daemon start"), "runs already"));
  const std::string status = session.output_of("memtrack daemon status");
  CHECK(contains(status, "memtrackd " MEMTRACK_VERSION " runs since "));
  CHECK(contains(status, "run/memtrack/memtrackd.sock, database " + (session.folder() / "memtrack.db").string()));
  CHECK(contains(status, "; 0 queued, 0 running\n"));
  CHECK(nlohmann::json::parse(session.output_of("memtrack daemon status --json"))["status"] == "ok");
  CHECK(session.run("memtrack daemon start --db other.db").exit_code == 1);
  CHECK(contains(session.output_of("memtrack daemon stop"), "stopped"));
  CHECK(session.run("memtrack daemon status").exit_code == 3);
  CHECK(contains(session.output_of("memtrack daemon stop"), "does not run"));
}

TEST_CASE("a daemon that cannot start is told with the end of its log") {
  const Session session;
  session.output_of(
      "echo 'not a database, but more than a hundred bytes of something else, so that it cannot be taken "
      "for an empty file at all' > memtrack.db");
  const CommandResult result = session.run("memtrack daemon start");
  CHECK(result.exit_code == 1);
  CHECK(contains(result.errors, "memtrack.db"));
}

TEST_CASE("a daemon whose socket was removed is found by its database, told of, stopped, and started again") {
  const Session session;
  session.output_of("memtrack daemon start");
  const std::string pid = nlohmann::json::parse(session.output_of("memtrack daemon status --json"))["pid"].dump();
  session.output_of(kRemoveSocket);
  const CommandResult status = session.run("memtrack daemon status");
  CHECK(status.exit_code == 3);
  CHECK(contains(status.output, "memtrackd (pid " + pid + ") keeps " + (session.folder() / "memtrack.db").string() +
                                    ", but nobody answers on "));
  CHECK(contains(status.output, "'memtrack daemon stop' stops it"));
  const auto told = nlohmann::json::parse(session.run("memtrack daemon status --json").output);
  CHECK(told["status"] == "not answering");
  CHECK(told["pid"].dump() == pid);
  CHECK(contains(session.run("memtrack daemon start").errors, "by process " + pid));
  CHECK(contains(session.output_of("memtrack daemon stop"), "memtrackd stopped (pid " + pid + ")"));
  CHECK(contains(session.output_of("memtrack daemon status || true"), "does not run"));
  CHECK(contains(session.output_of("memtrack daemon start"), "memtrackd started"));
}

TEST_CASE("a daemon is stopped by the database that --db names and by no other") {
  const Session session;
  session.output_of("memtrack daemon start");
  session.output_of("memtrack daemon start --db other.db --socket other.sock");
  CHECK(contains(session.output_of("memtrack daemon stop --db third.db"), "does not run"));
  CHECK(contains(session.output_of("memtrack daemon stop --db other.db"), "stopped"));
  CHECK(session.run("memtrack daemon status --socket other.sock --db other.db").exit_code == 3);
  CHECK(session.run("memtrack daemon status").exit_code == 0);
}

TEST_CASE("a sweep that runs here without a daemon is none, and is left alone by stop") {
  const Session session;
  session.write_file("s.yaml", shell_sweep("until [ -e go ]; do sleep 0.02; done", 1));
  session.output_of("memtrack sweep s.yaml --local >local.out 2>&1 & echo");
  REQUIRE(wait_until([&] { return contains(session.run("memtrack status").output, "trial 1 of"); }));
  const CommandResult status = session.run("memtrack daemon status");
  CHECK(status.exit_code == 3);
  CHECK(contains(status.output, "memtrackd does not run"));
  CHECK(contains(status.output, "'memtrack sweep --local'"));
  CHECK(nlohmann::json::parse(session.run("memtrack daemon status --json").output)["status"] == "not running");
  CHECK(contains(session.output_of("memtrack daemon stop"), "is left alone"));
  session.write_file("go", "");
  CHECK(wait_until([&] { return session.sql("SELECT state FROM trials") == "done"; }));
}

TEST_CASE("a daemon that answers with an error is told with its own words and can be stopped") {
  const Session session;
  session.output_of("memtrack daemon start");
  session.output_of("sqlite3 memtrack.db 'PRAGMA legacy_alter_table = ON; ALTER TABLE samples RENAME TO elsewhere'");
  const CommandResult status = session.run("memtrack daemon status");
  CHECK(status.exit_code == 1);
  CHECK(contains(status.errors, "answered 500: "));
  CHECK(contains(status.errors, "no such table"));
  CHECK(contains(session.output_of("memtrack daemon stop"), "memtrackd stopped (pid "));
  CHECK(contains(session.output_of("memtrack daemon stop"), "does not run"));
}

TEST_CASE("stop waits as long as the daemon drains, and says what it waits for") {
  const Session session;
  session.write_file("s.yaml", shell_sweep("sleep 4", 1));
  session.output_of("MEMTRACK_DRAIN=1h memtrack daemon start");
  CHECK(nlohmann::json::parse(session.output_of("memtrack daemon status --json"))["drain_s"] == 3600);
  session.output_of("memtrack sweep s.yaml");
  REQUIRE(wait_until([&] { return contains(session.run("memtrack status").output, "trial 1 of"); }));
  const CommandResult stopped = session.run("memtrack daemon stop");
  CHECK(stopped.exit_code == 0);
  CHECK(contains(stopped.errors, "waits up to 1h for its running trials (drain)"));
  CHECK(session.sql("SELECT state FROM trials") == "done");
}

TEST_CASE("stop gives up no earlier than a daemon that drains, answers and cancels may need") {
  using std::chrono::seconds;
  CHECK(memtrack::longest_stop(seconds(0)) > seconds(70));
  CHECK(memtrack::longest_stop(std::chrono::hours(1)) > std::chrono::hours(1) + seconds(70));
}

TEST_CASE("health tells how long SIGTERM waits for trials, so that stop can wait as long") {
  const Session session;
  auto database = memtrack::Database::open_for_writing(session.folder() / "memtrack.db");
  CHECK(memtrack::health(database, {.drain = std::chrono::milliseconds(1500)})["drain_s"] == 1.5);
}

TEST_CASE("the daemon's log is shown, and followed until Ctrl-C") {
  const Session session;
  session.output_of("memtrack daemon start");
  const std::string pid = nlohmann::json::parse(session.output_of("memtrack daemon status --json"))["pid"].dump();
  CHECK(contains(session.output_of("memtrack daemon logs"), "memtrackd " MEMTRACK_VERSION " (process " + pid + ")"));
  const std::string follower =
      session.output_of("timeout 60 memtrack daemon logs -f >followed 2>/dev/null </dev/null & echo $!");
  const auto followed = session.folder() / "followed";
  REQUIRE(wait_until([&] { return contains(text_of(followed), "(process " + pid + ")"); }));
  CHECK_FALSE(contains(text_of(followed), "SIGHUP"));
  session.output_of("kill -HUP " + pid);
  CHECK(wait_until([&] { return contains(text_of(followed), "SIGHUP: the settings were read again"); }));
  session.output_of("kill " + follower);
}

TEST_CASE("a sweep is submitted, waited for, and its end is told with an exit code") {
  const Session session;
  session.write_file("good.yaml", shell_sweep("sleep 0.1"));
  session.write_file("bad.yaml", shell_sweep("exit 4"));
  session.output_of("memtrack daemon start");
  const CommandResult good = session.run("memtrack sweep good.yaml --wait");
  CHECK(good.exit_code == 0);
  CHECK(good.output == "sweep 1 'shell': 2 trials\nsweep 1 'shell': 2 done\n");
  CHECK(contains(good.errors, "trial 2 (number 2): done in"));
  const CommandResult bad = session.run("memtrack sweep bad.yaml --wait --json");
  CHECK(bad.exit_code == 1);
  CHECK(nlohmann::json::parse(bad.output)["sweeps"][0]["states"] == nlohmann::json({{"failed", 2}}));
  const CommandResult submitted = session.run("memtrack sweep good.yaml");
  CHECK(submitted.output == "sweep 3 'shell': 2 trials\n");
  CHECK(contains(submitted.errors, "memtrack report 3"));
}

TEST_CASE("Ctrl-C while waiting leaves the sweep to the daemon and says so") {
  const Session session;
  session.write_file("s.yaml", shell_sweep("sleep 600", 1));
  session.output_of("memtrack daemon start");
  const CommandResult result = session.run(
      "memtrack sweep s.yaml --wait & pid=$!; until memtrack status 2>/dev/null | grep -q 'trial 1'; "
      "do sleep 0.05; done; kill -TERM $pid; wait $pid");
  CHECK(result.exit_code == 143);
  CHECK(contains(result.errors, "memtrack cancel 1"));
  CHECK(session.sql("SELECT state FROM trials") == "running");
  CHECK(contains(session.output_of("memtrack cancel"), "1 running trial asked to end"));
  CHECK(wait_until([&] { return session.sql("SELECT state FROM trials") == "cancelled"; }));
  CHECK(session.run("memtrack cancel nothing").exit_code == 2);
  CHECK(session.run("memtrack cancel --trial 99").exit_code == 2);
}

TEST_CASE("a sweep runs here without a daemon, and a signal cancels it") {
  const Session session;
  session.write_file("s.yaml", shell_sweep("sleep 0.1"));
  const CommandResult result = session.run("memtrack sweep s.yaml --local");
  CHECK(result.exit_code == 0);
  CHECK(result.output == "sweep 1 'shell': 2 trials\nsweep 1 'shell': 2 done\n");
  session.write_file("s.yaml", shell_sweep("sleep 600"));
  const CommandResult cancelled = session.run(
      "memtrack sweep s.yaml --local & until memtrack status 2>/dev/null | grep -q 'trial 3'; do sleep 0.05; done; "
      "kill "
      "-TERM $!; wait $!");
  CHECK(cancelled.exit_code == 143);
  CHECK(contains(cancelled.output, "sweep 2 'shell': 2 cancelled\n"));
}

TEST_CASE("a database that somebody supervises is not run a second time") {
  const Session session;
  session.write_file("s.yaml", shell_sweep("true"));
  session.output_of("memtrack daemon start");
  const CommandResult result = session.run("memtrack sweep s.yaml --local");
  CHECK(result.exit_code == 2);
  CHECK(contains(result.errors, "leave out --local"));
  CHECK(session.sql("SELECT count(*) FROM sweeps") == "0");
  CHECK(session.run("memtrack sweep s.yaml --db other.db").exit_code == 2);
}

TEST_CASE("the other commands look where the daemon's config file says") {
  const Session session;
  const std::string folder = session.folder().string();
  session.write_file("memtrackd.conf", fmt::format("db: {0}/configured.db\nsocket: {0}/run/c.sock\n", folder));
  session.write_file("s.yaml", shell_sweep("true"));
  const std::string configured = "unset MEMTRACK_DB; export MEMTRACK_CONFIG=memtrackd.conf; ";
  CHECK(contains(session.output_of(configured + "memtrack daemon start"), "/run/c.sock, database " + folder + "/conf"));
  session.output_of(configured + "memtrack sweep s.yaml --wait");
  CHECK(contains(session.output_of(configured + "memtrack sql 'SELECT count(*) AS trials FROM trials'"), "2"));
  CHECK(contains(session.output_of(configured + "memtrack daemon stop"), "stopped"));
  session.write_file("memtrackd.conf", "socket: relative.sock\n");
  const CommandResult wrong = session.run(configured + "memtrack daemon status");
  CHECK(wrong.exit_code == 2);
  CHECK(contains(wrong.errors, "memtrackd.conf:1:9: socket is 'relative.sock'"));
}
