// The queue as its users meet it: jobs, priorities, pausing, retrying, drawing, with the real daemon and collector.

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>

#include "daemon/submission.h"
#include "daemon/supervisor.h"
#include "storage/paths.h"
#include "storage/trial_lock.h"
#include "storage/trial_queue.h"
#include "tests/daemon/fixture.h"

using namespace memtrack;
using memtrack::testing::Daemon;
using memtrack::testing::read_file;
using memtrack::testing::sweep_of_commands;
using memtrack::testing::wait_until;
using memtrack::testing::Workplace;
using nlohmann::json;

namespace {

// Runs until the file `go` is made, and leaves begun-NUMBER of its trial.
std::string until_go(int number) {
  return fmt::format("touch begun-{}; while [ ! -e go ]; do sleep 0.02; done", number);
}

const char* kStates = "SELECT group_concat(state) FROM (SELECT state FROM trials ORDER BY trial_id)";

bool wait_for_value(const Workplace& place, const std::string& sql, const std::string& value) {
  return wait_until([&] { return place.sql(sql) == value; });
}

bool wait_until_begun(const Workplace& place, int number) {
  return wait_until([&] { return std::filesystem::exists(place / fmt::format("begun-{}", number)); });
}

ApiReply submit_text(const Workplace& place, const Daemon& daemon, const std::string& config,
                     const json& overrides = json::object()) {
  return daemon.client().post("/v1/sweeps", {{"config", config},
                                             {"file", "test.yaml"},
                                             {"cwd", place.path().string()},
                                             {"environment", {{"PATH", "/usr/bin:/bin"}, {"MINE", "7"}}},
                                             {"overrides", overrides}});
}

bool is_child_of(pid_t pid, pid_t parent) {
  return read_file(fmt::format("/proc/{}/status", pid)).find(fmt::format("\nPPid:\t{}\n", parent)) != std::string::npos;
}

// Sweep 1 runs one trial until `go` and nothing else.
void occupy(const Workplace& place, Daemon& daemon) {
  REQUIRE(daemon.submit({until_go(0)}).status == 201);
  REQUIRE(wait_until_begun(place, 0));
}

// Draws until it is cancelled; each trial writes its number and a variable of the submitter's.
const std::string kOpenEnded =
    "name: open\nmethod: random\ncommand: [sh, -c, 'echo \"$1 $MINE\" >> drawn', sh, '${args_no_hyphens}']\n"
    "parameters: {x: {min: 1, max: 1000000}}\nmemtrack: {interval: 20ms}\n";

}  // namespace

TEST_CASE("a sweep with two jobs runs two trials beside each other and marks what they shared") {
  Workplace place;
  Daemon daemon(place);
  const std::string config = sweep_of_commands({until_go(1), until_go(2), until_go(3)});
  REQUIRE(submit_text(place, daemon, config, {{"jobs", 2}}).status == 201);
  REQUIRE(wait_until_begun(place, 1));
  REQUIRE(wait_until_begun(place, 2));
  CHECK(place.sql(kStates) == "running,running,queued");
  CHECK_FALSE(std::filesystem::exists(place / "begun-3"));
  place.make_file("go");
  REQUIRE(wait_for_value(place, kStates, "done,done,done"));
  CHECK(place.sql("SELECT sum(system_shared) FROM trials WHERE trial_id < 3") == "2");
}

TEST_CASE("both trials of a sweep with two jobs are ended by its cancelling") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(submit_text(place, daemon, sweep_of_commands({until_go(1), until_go(2), "true"}), {{"jobs", 2}}).status ==
          201);
  REQUIRE(wait_until([&] { return place.collector_pid(1) > 0 && place.collector_pid(2) > 0; }));
  CHECK(daemon.client().post("/v1/sweeps/1/cancel").body == json{{"cancelled_queued", 1}, {"signalled", 2}});
  REQUIRE(wait_for_value(place, kStates, "cancelled,cancelled,cancelled"));
  CHECK(place.processes_of_trial(1) + place.processes_of_trial(2) == 0);
}

// Its sweep file is large, and stands in the sweep's row.
TEST_CASE("a long list of trials is cancelled and shown as a short one is") {
  Workplace place;
  Daemon daemon(place);
  occupy(place, daemon);
  constexpr int kTrials = 20'000;
  const std::string config = sweep_of_commands(std::vector<std::string>(kTrials, std::string(100, ':')));
  REQUIRE(submit_text(place, daemon, config).status == 201);
  CHECK(daemon.client().get("/v1/sweeps").body[1]["queued"] == kTrials);
  CHECK(daemon.client().post("/v1/sweeps/2/cancel").body == json{{"cancelled_queued", kTrials}, {"signalled", 0}});
  const json sweep = daemon.client().get("/v1/sweeps/2").body;
  CHECK(sweep["state"] == "cancelled");
  CHECK(sweep["cancelled"] == kTrials);
  CHECK(sweep["config"] == config);
}

TEST_CASE("a sweep that asked for one job has the machine alone beside one with two") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(submit_text(place, daemon, sweep_of_commands({until_go(1)}), {{"jobs", 2}}).status == 201);
  REQUIRE(submit_text(place, daemon, sweep_of_commands({"true"})).status == 201);
  REQUIRE(wait_until_begun(place, 1));
  place.make_file("go");
  REQUIRE(wait_for_value(place, kStates, "done,done"));
  CHECK(place.sql(
            "SELECT b.started_ns >= a.ended_ns FROM trials a JOIN trials b ON b.trial_id = 2 WHERE a.trial_id = 1") ==
        "1");
  CHECK(place.sql("SELECT sum(system_shared) FROM trials") == "0");
}

TEST_CASE("a sweep of higher priority that was submitted later goes first") {
  Workplace place;
  Daemon daemon(place);
  occupy(place, daemon);
  REQUIRE(submit_text(place, daemon, sweep_of_commands({"echo low >> log"})).status == 201);
  REQUIRE(submit_text(place, daemon, sweep_of_commands({"echo high >> log"}), {{"priority", 5}}).status == 201);
  place.make_file("go");
  REQUIRE(wait_for_value(place, kStates, "done,done,done"));
  CHECK(read_file(place / "log") == "high\nlow\n");
}

TEST_CASE("a paused sweep begins nothing until it is resumed and what runs goes on") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({until_go(1), "touch second"}).status == 201);
  REQUIRE(wait_until_begun(place, 1));
  CHECK(daemon.client().post("/v1/sweeps/1/pause").body == json{{"paused", true}});
  CHECK(daemon.client().get("/v1/sweeps/1").body["paused"] == 1);
  REQUIRE(daemon.submit({"true"}).status == 201);
  place.make_file("go");
  REQUIRE(wait_for_value(place, kStates, "done,queued,done"));
  CHECK_FALSE(std::filesystem::exists(place / "second"));
  CHECK(daemon.client().post("/v1/sweeps/1/resume").body == json{{"paused", false}});
  REQUIRE(wait_for_value(place, kStates, "done,done,done"));
  CHECK(daemon.client().post("/v1/sweeps/9/pause").status == 404);
}

TEST_CASE("a trial that fails is tried again by itself as often as the sweep says") {
  Workplace place;
  Daemon daemon(place);
  const std::string config = sweep_of_commands({"echo tried >> log; [ $(wc -l < log) = 2 ]"});
  REQUIRE(submit_text(place, daemon, config, {{"retries", 3}}).status == 201);
  REQUIRE(wait_for_value(place, kStates, "failed,done"));
  CHECK(wait_for_value(place, "SELECT state FROM sweeps", "done"));
  CHECK(place.sql("SELECT retry_of || ' ' || attempt FROM trials WHERE trial_id = 2") == "1 2");
  CHECK(place.sql("SELECT b.started_ns - a.ended_ns >= 900000000 FROM trials a JOIN trials b ON b.retry_of = "
                  "a.trial_id") == "1");
}

TEST_CASE("a trial whose collector was killed is tried again and the one that was lost stays as it is") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(submit_text(place, daemon, sweep_of_commands({until_go(1)}), {{"retries", 1}}).status == 201);
  REQUIRE(wait_until([&] { return place.collector_pid(1) > 0; }));
  kill(place.collector_pid(1), SIGKILL);
  place.make_file("go");
  REQUIRE(wait_for_value(place, kStates, "lost,done"));
  CHECK(place.sql("SELECT retry_of FROM trials WHERE trial_id = 2") == "1");
}

TEST_CASE("children that a daemon had before it began and their orphans outlive a trial that is lost") {
  Workplace place;
  // As in a container, whose first process is a shell that starts a server and becomes the daemon: the server's worker
  // comes to the daemon as an orphan while the trial runs, in a session of its own and without the trial's variable.
  Daemon daemon(place,
                "sleep 1000 & echo $! > server; "
                "sh -c 'while [ ! -e begun-1 ]; do sleep 0.02; done; setsid sleep 1000 & echo $! > worker' &");
  REQUIRE(daemon.submit({until_go(1)}).status == 201);
  REQUIRE(wait_until([&] { return place.collector_pid(1) > 0 && !read_file(place / "worker").empty(); }));
  const pid_t server = std::stoi(read_file(place / "server"));
  const pid_t worker = std::stoi(read_file(place / "worker"));
  REQUIRE(wait_until([&] { return is_child_of(worker, daemon.pid()); }));
  kill(place.collector_pid(1), SIGKILL);
  REQUIRE(wait_for_value(place, kStates, "lost"));
  CHECK(kill(server, SIGKILL) == 0);
  CHECK(kill(worker, SIGKILL) == 0);
  CHECK(place.sql("SELECT reason FROM trials").find("killed by signal 9 (Killed)") != std::string::npos);
}

TEST_CASE("an orphan of a lost trial dies with it in whatever session and environment it is") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({"env -i setsid -f sh -c 'echo $$ > orphan; exec sleep 1000'; " + until_go(1)}).status == 201);
  REQUIRE(wait_until([&] { return place.collector_pid(1) > 0 && !read_file(place / "orphan").empty(); }));
  const pid_t orphan = std::stoi(read_file(place / "orphan"));
  kill(place.collector_pid(1), SIGKILL);
  REQUIRE(wait_for_value(place, kStates, "lost"));
  CHECK(kill(orphan, 0) == -1);
}

TEST_CASE("a queued trial whose submitter's environment is gone fails with what to do and is not run with another") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({until_go(1), "touch never"}).status == 201);
  REQUIRE(wait_until_begun(place, 1));
  const std::filesystem::path environment = environment_path(place.database(), 1);
  REQUIRE(std::filesystem::remove(environment));
  place.make_file("go");
  REQUIRE(wait_for_value(place, kStates, "done,failed"));
  CHECK_FALSE(std::filesystem::exists(place / "never"));
  const std::string reason = "its submitter's environment, " + environment.string() +
                             ", is not there, and it is not run with another one; submit its sweep again";
  CHECK(place.sql("SELECT reason FROM trials WHERE trial_id = 2") == reason);
  CHECK(place.sql("SELECT started_ns IS NULL AND ended_ns >= queued_ns FROM trials WHERE trial_id = 2") == "1");
  // So does a trial that came from another machine by a merge, when it is tried again here.
  CHECK(daemon.client().post("/v1/trials/2/retry").body == json{{"queued", {3}}});
  REQUIRE(wait_for_value(place, kStates, "done,failed,failed"));
  CHECK(place.sql("SELECT reason FROM trials WHERE trial_id = 3") == reason);
}

TEST_CASE("a retry that waits outlives the daemon") {
  Workplace place;
  {
    Daemon daemon(place);
    const std::string config = sweep_of_commands({"echo tried >> log; [ $(wc -l < log) = 2 ]"});
    REQUIRE(submit_text(place, daemon, config, {{"retries", 1}}).status == 201);
    REQUIRE(wait_until([&] { return place.sql(kStates).find("failed,") == 0; }));
    daemon.end(SIGKILL);
  }
  Daemon next(place);
  CHECK(wait_for_value(place, kStates, "failed,done"));
}

TEST_CASE("what failed is retried on demand and nothing else") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({"true", "[ -e mended ]", "true"}).status == 201);
  REQUIRE(wait_for_value(place, kStates, "done,failed,done"));
  place.make_file("mended");
  CHECK(daemon.client().post("/v1/sweeps/1/retry").body == json{{"queued", {4}}});
  REQUIRE(wait_for_value(place, kStates, "done,failed,done,done"));
  CHECK(daemon.client().post("/v1/sweeps/1/retry").body == json{{"queued", json::array()}});
  const ApiReply again = daemon.client().post("/v1/trials/2/retry");
  CHECK(again.status == 409);
  CHECK(again.error() == "trial 2 has been retried already, as trial 4");
  CHECK(daemon.client().post("/v1/trials/9/retry").status == 404);
}

TEST_CASE("an open-ended sweep runs on beyond what was drawn at first until it is cancelled") {
  Workplace place;
  Daemon daemon(place);
  const ApiReply reply = submit_text(place, daemon, kOpenEnded);
  REQUIRE(reply.status == 201);
  CHECK(reply.body["sweeps"][0]["open_ended"] == true);
  const int first_batch = reply.body["sweeps"][0]["trials"].get<int>();
  REQUIRE(wait_until([&] {
    return std::stoi("0" + place.sql("SELECT count(*) FROM trials WHERE state = 'done'")) > 2 * first_batch;
  }));
  CHECK(daemon.client().post("/v1/sweeps/1/cancel").status == 200);
  REQUIRE(wait_for_value(place, "SELECT state FROM sweeps", "cancelled"));
  CHECK(place.sql("SELECT count(*) - max(number) FROM trials") == "0");
  CHECK(place.sql("SELECT count(*) FROM trials WHERE state NOT IN ('done', 'cancelled')") == "0");
  CHECK(read_file(place / "drawn").find(" 7\n") != std::string::npos);
  // Each is what a bounded sweep of the same file draws.
  submit_text(place, daemon, kOpenEnded, {{"count", 30}, {"order", "listed"}});
  CHECK(place.sql("SELECT count(*) FROM trials a JOIN trials b USING (number, parameters) WHERE a.sweep_id = 1 AND "
                  "b.sweep_id = 2") == "30");
}

TEST_CASE("an open-ended sweep that cannot be drawn keeps no other from being drawn") {
  Workplace place;
  Daemon daemon(place);
  occupy(place, daemon);
  REQUIRE(submit_text(place, daemon, kOpenEnded).status == 201);
  REQUIRE(submit_text(place, daemon, kOpenEnded).status == 201);
  {
    // As a file that a newer version refuses.
    Database database = Database::open_for_writing(place.database());
    database.handle().exec("UPDATE sweeps SET config = 'method: none' WHERE sweep_id = 2");
  }
  place.make_file("go");
  const std::string drawn = "SELECT max(number) FROM trials WHERE state = 'done' AND sweep_id = ";
  const int first_batch = std::stoi(place.sql("SELECT count(*) FROM trials WHERE sweep_id = 3"));
  CHECK(wait_until([&] { return std::stoi("0" + place.sql(drawn + "3")) > 2 * first_batch; }));
  const std::string log = daemon.log();
  const std::string trouble = "no more trials of sweep 2 could be drawn";
  CHECK(log.find(trouble) != std::string::npos);
  CHECK(log.find(trouble) == log.rfind(trouble));  // said once
  const std::string why = "method is 'none'";
  CAPTURE(log);
  CHECK(log.find(why) != std::string::npos);
  CHECK(log.find(why) == log.rfind(why));  // and the process that drew does not say it beside
}

TEST_CASE("an open-ended sweep ends when its environment is gone, since no more can be drawn of it") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(submit_text(place, daemon, kOpenEnded).status == 201);
  REQUIRE(
      wait_until([&] { return std::stoi("0" + place.sql("SELECT count(*) FROM trials WHERE state = 'done'")) > 0; }));
  std::filesystem::remove(environment_path(place.database(), 1));
  REQUIRE(wait_until([&] { return place.sql("SELECT state FROM sweeps") != "running"; }));
  CHECK(place.sql("SELECT count(*) FROM sweeps WHERE next_number IS NULL") == "1");
  CHECK(place.sql("SELECT count(*) FROM trials WHERE state IN ('queued', 'running')") == "0");
  const std::string why = "no more trials of sweep 1 could be drawn: its submitter's environment";
  CHECK(wait_until([&] { return daemon.log().find(why) != std::string::npos; }));
}

TEST_CASE("jobs that would not fit into memory together are refused with the numbers") {
  Workplace place;
  Daemon daemon(place);
  const std::int64_t machine = std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  const std::int64_t limit_mib = machine / (1 << 20) / 2 + 100;
  const std::string all = sweep_of_commands({"true"});
  const ApiReply reply = submit_text(
      place, daemon,
      all.substr(0, all.find("memtrack:")) + fmt::format("memtrack: {{memory_limit: {}MiB, jobs: 2}}\n", limit_mib));
  CHECK(reply.status == 400);
  CHECK(reply.error().find(fmt::format("asks for 2 jobs of up to {}MiB each (memory_limit)", limit_mib)) !=
        std::string::npos);
  CHECK(reply.error().find("give jobs: 1 or a smaller memory_limit") != std::string::npos);
  CHECK(place.sql("SELECT count(*) FROM trials") == "0");
}

TEST_CASE("a run that begins beside an idle daemon is noticed and ended as lost when its collector is killed") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({"true"}).status == 201);
  REQUIRE(wait_for_value(place, kStates, "done"));
  {
    Database database = Database::open_for_writing(place.database());
    const Trial run = insert_run(database, "mine", {"true"}, "/tmp", std::chrono::seconds(1));
    const std::optional<TrialLock> lock = TrialLock::try_acquire(trial_lock_path(run.uid));
    TrialRecorder(Database::open_for_writing(place.database()), run.trial_id)
        .begin({.started_ns = 1, .host = {.name = "h", .boot_id = "b"}});
  }
  CHECK(wait_for_value(place, kStates, "done,lost"));
}

TEST_CASE("a queue that is run without a daemon draws an open-ended sweep too and ends when it is cancelled") {
  Workplace place;
  submit(place.database(), {.config = kOpenEnded,
                            .file = "test.yaml",
                            .cwd = place.path().string(),
                            .environment = {{"PATH", "/usr/bin:/bin"}},
                            .overrides = {}});
  int done = 0;
  SupervisorOptions options;
  options.on_news = [&](const TrialNews& news) {
    if (news.step == TrialStep::ended && ++done == 30) {
      kill(getpid(), SIGINT);
    }
  };
  options.only_sweep = 1;
  CHECK(run_queue(place.database(), options) == SIGINT);
  CHECK(place.sql("SELECT state FROM sweeps") == "cancelled");
  CHECK(place.sql("SELECT count(*) >= 30 FROM trials WHERE state = 'done'") == "1");
}
