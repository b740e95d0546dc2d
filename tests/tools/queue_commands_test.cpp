// memtrack cancel, retry, pause, resume and what a sweep says of its jobs and retries, against the real memtrackd.

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/end_to_end/session.h"
#include "tests/text.h"

using memtrack::testing::CommandResult;
using memtrack::testing::contains;
using memtrack::testing::Session;
using memtrack::testing::wait_until;
using nlohmann::json;

namespace {

// Two trials: the first is right, the second fails unless there is a file `mended`.
const char* kHalfRight =
    "name: half\nmethod: list\ncommand: [sh, -c, 'eval \"${1#*=}\"', sh, '${args_no_hyphens}']\n"
    "trials: [{do: 'true'}, {do: '[ -e mended ]'}]\nmemtrack: {interval: 20ms}\n";

const char* kStates = "SELECT group_concat(state) FROM (SELECT state FROM trials ORDER BY trial_id)";

}  // namespace

TEST_CASE("what failed is retried by the name of its sweep or by its trial and the report shows the last attempt") {
  const Session session;
  session.write_file("half.yaml", kHalfRight);
  session.output_of("memtrack daemon start");
  CHECK(session.run("memtrack sweep half.yaml --wait").exit_code == 1);
  CHECK(session.output_of("memtrack retry half") == "sweep 1: tried again as trial 3\n");
  REQUIRE(wait_until([&] { return session.sql(kStates) == "done,failed,failed"; }));
  session.write_file("mended", "");
  CHECK(json::parse(session.output_of("memtrack retry --trial 3 --json")) == json{{"queued", {4}}});
  REQUIRE(wait_until([&] { return session.sql(kStates) == "done,failed,failed,done"; }));
  CHECK(session.sql("SELECT state FROM sweeps") == "done");
  CHECK(session.output_of("memtrack retry") == "sweep 1: nothing failed that was not tried again\n");
  const CommandResult again = session.run("memtrack retry --trial 2");
  CHECK(again.exit_code == 2);
  CHECK(contains(again.errors, "trial 2 has been retried already, as trial 3"));
  CHECK(contains(session.run("memtrack retry --trial 1").errors, "trial 1 is done"));
  const json report = json::parse(session.output_of("memtrack report --format json"));
  REQUIRE(report.size() == 2);
  CHECK(report[1]["number"] == 2);
  CHECK(report[1]["attempt"] == 3);
}

TEST_CASE("a sweep whose failures were repeated with success is waited for to its end and exits 0") {
  const Session session;
  session.write_file("once.yaml",
                     "method: list\ncommand: [sh, -c, 'echo >> tries; [ $(wc -l < tries) = 2 ]']\ntrials: [{x: 1}]\n");
  session.output_of("memtrack daemon start");
  const CommandResult result = session.run("memtrack sweep once.yaml --retries 1 --wait");
  CHECK(result.exit_code == 0);
  CHECK(contains(result.output, "sweep 1 'once': 1 done, 1 failed\n"));
}

TEST_CASE("a paused sweep is shown as such and waits") {
  const Session session;
  session.write_file("wait.yaml",
                     "name: wait\nmethod: list\ncommand: [sh, -c, 'while [ ! -e go ]; do sleep 0.02; done']\n"
                     "trials: [{x: 1}, {x: 2}]\n");
  session.output_of("memtrack daemon start");
  session.output_of("memtrack sweep wait.yaml --priority 3");
  CHECK(contains(session.output_of("memtrack pause wait"), "sweep 1: nothing more of it begins"));
  CHECK(contains(session.output_of("COLUMNS=200 memtrack status"), "running, paused"));
  const json status = json::parse(session.output_of("memtrack status --json"));
  CHECK(status["sweeps"][0]["paused"] == true);
  CHECK(status["sweeps"][0]["priority"] == 3);
  session.write_file("go", "");
  REQUIRE(wait_until([&] { return session.sql(kStates) == "done,queued"; }));
  CHECK(session.output_of("memtrack resume") == "sweep 1: goes on\n");
  REQUIRE(wait_until([&] { return session.sql(kStates) == "done,done"; }));
  CHECK(session.run("memtrack pause --trial 1").exit_code == 2);
}

TEST_CASE("a trial whose collector was started under another runtime directory is shown as running, not as lost") {
  const Session session;
  session.write_file("wait.yaml",
                     "name: wait\nmethod: list\ncommand: [sh, -c, 'while [ ! -e go ]; do sleep 0.02; done']\n"
                     "trials: [{x: 1}]\nmemtrack: {interval: 20ms}\n");
  session.output_of("memtrack daemon start");
  session.output_of("memtrack sweep wait.yaml");
  const std::string elsewhere = "mkdir -m 700 -p other; XDG_RUNTIME_DIR=$PWD/other ";
  REQUIRE(wait_until([&] { return session.sql("SELECT started_ns IS NOT NULL FROM trials") == "1"; }));
  CHECK(json::parse(session.output_of(elsewhere + "memtrack status --json"))["running"][0]["lost"] == false);
  CHECK_FALSE(contains(session.output_of(elsewhere + "memtrack status"), "lost"));
  const json health = json::parse(session.output_of("memtrack daemon status --json"));
  session.output_of("kill -9 " + health["pid"].dump());
  session.output_of("kill -9 " + session.sql("SELECT collector_pid FROM trials"));
  CHECK(json::parse(session.output_of(elsewhere + "memtrack status --json"))["running"][0]["lost"] == true);
  session.write_file("go", "");
}

TEST_CASE("an open-ended sweep says that it has no end and is cancelled") {
  const Session session;
  session.write_file("open.yaml",
                     "name: open\nmethod: random\ncommand: ['true']\nparameters: {x: {min: 1, max: 99}}\n"
                     "memtrack: {interval: 20ms}\n");
  CHECK(contains(session.output_of("memtrack sweep open.yaml --dry-run"), "(random): drawn until it is cancelled"));
  session.output_of("memtrack daemon start");
  CHECK(session.output_of("memtrack sweep open.yaml") == "sweep 1 'open': drawn until it is cancelled\n");
  REQUIRE(wait_until([&] { return session.sql("SELECT count(*) > 20 FROM trials WHERE state = 'done'") == "1"; }));
  const CommandResult waiting = session.run(
      "memtrack sweep open.yaml --priority 1 --wait & pid=$!; until [ $(memtrack sql --format csv 'SELECT count(*) "
      "FROM "
      "trials WHERE sweep_id = 2' | tail -1) -gt 20 ]; do sleep 0.05; done; memtrack cancel; wait $pid");
  CHECK(waiting.exit_code == 1);  // what was drawn and not begun is cancelled
  CHECK(session.sql("SELECT state FROM sweeps WHERE sweep_id = 2") == "cancelled");
}

TEST_CASE("a report says which trials ran beside each other") {
  const Session session;
  session.write_file("two.yaml",
                     "name: two\nmethod: list\ncommand: [sleep, 0.3]\ntrials: [{x: 1}, {x: 2}]\n"
                     "memtrack: {interval: 20ms, jobs: 2}\n");
  session.output_of("memtrack daemon start");
  session.output_of("memtrack sweep two.yaml --wait");
  CHECK(contains(session.output_of("COLUMNS=400 memtrack report"),
                 "Other trials ran beside 1 and 2: the whole system's figures carry theirs too"));
  CHECK(contains(session.output_of("COLUMNS=400 memtrack report --metric tree_rss"),
                 "Other trials ran beside 1 and 2: what is shown is the trial's own"));
  CHECK(json::parse(session.output_of("memtrack report --format json"))[0]["system_shared"] == 1);
}
