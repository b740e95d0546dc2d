// memtrackd as its users meet it: the real program, the real collector, real commands.

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/mount.h>

#include <algorithm>
#include <fstream>

#include "daemon/processes.h"
#include "storage/file_descriptor.h"
#include "storage/paths.h"
#include "storage/schema.h"
#include "tests/daemon/fixture.h"
#include "tests/small_disk.h"

using namespace memtrack;
using memtrack::testing::Daemon;
using memtrack::testing::EndedDaemon;
using memtrack::testing::read_file;
using memtrack::testing::run_memtrackd;
using memtrack::testing::SmallDisk;
using memtrack::testing::TemporaryDirectory;
using memtrack::testing::wait_until;
using memtrack::testing::Workplace;
using nlohmann::json;

namespace {

// Runs until the file `go` is made.
const std::string kUntilGo = "touch begun; while [ ! -e go ]; do sleep 0.05; done";

bool wait_for_state(const Workplace& place, std::int64_t trial_id, const std::string& state) {
  return wait_until(
      [&] { return place.sql(fmt::format("SELECT state FROM trials WHERE trial_id = {}", trial_id)) == state; });
}

// Its command runs, and the database says so.
bool wait_until_begun(const Workplace& place) {
  return wait_until([&] { return std::filesystem::exists(place / "begun") && place.collector_pid(1) > 0; });
}

std::size_t times_in(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) {
    ++times;
  }
  return times;
}

}  // namespace

TEST_CASE("a sweep's trials run one after the other, in their order, to the end") {
  Workplace place;
  Daemon daemon(place);
  const ApiReply reply = daemon.submit({"echo one >> log", "echo two >> log; exit 3", "echo three >> log"});
  REQUIRE(reply.status == 201);
  CHECK(reply.body["sweeps"][0]["trials"] == 3);
  REQUIRE(wait_for_state(place, 3, "done"));
  CHECK(read_file(place / "log") == "one\ntwo\nthree\n");
  CHECK(place.sql("SELECT group_concat(state) FROM (SELECT state FROM trials ORDER BY trial_id)") ==
        "done,failed,done");
  CHECK(place.sql("SELECT count(*) FROM trials a JOIN trials b ON b.trial_id = a.trial_id + 1 "
                  "WHERE b.started_ns < a.ended_ns") == "0");
}

TEST_CASE("health tells of process and database and queue and of what was written last") {
  Workplace place;
  Daemon daemon(place);
  json health = daemon.client().get("/v1/health").body;
  CHECK(health["last_sample_ns"] == nullptr);
  CHECK(health["samples_thinned"] == nullptr);
  const std::int64_t before = health["last_write_ns"];
  REQUIRE(daemon.submit({kUntilGo, "true"}).status == 201);
  REQUIRE(wait_until_begun(place));
  REQUIRE(wait_until([&] { return daemon.client().get("/v1/health").body["last_sample_ns"] != nullptr; }));
  health = daemon.client().get("/v1/health").body;
  CHECK(health["uptime_s"] > 0);
  CHECK(health["database_bytes"] > 0);
  CHECK(health["wal_bytes"] > 0);
  CHECK(health["last_write_ns"] > before);
  CHECK(health["last_sample_ns"] > before);
  CHECK(health["schema_version"] == static_cast<int>(migrations().size()));
  for (const char* changing :
       {"uptime_s", "database_bytes", "wal_bytes", "last_write_ns", "last_sample_ns", "schema_version"}) {
    health.erase(changing);
  }
  CHECK(health == json{{"status", "ok"},
                       {"version", MEMTRACK_VERSION},
                       {"pid", daemon.pid()},
                       {"database", place.database().string()},
                       {"drain_s", 0},
                       {"queued", 1},
                       {"running", 1},
                       {"samples_thinned", 0},
                       {"trials", {{"started", 1}, {"adopted", 0}, {"put_back", 0}, {"ended", 0}, {"lost", 0}}}});
}

TEST_CASE("a command runs in the submitter's folder with the submitter's environment, not the daemon's") {
  Workplace place;
  setenv("OF_THE_DAEMON", "1", 1);
  Daemon daemon(place);
  unsetenv("OF_THE_DAEMON");
  REQUIRE(daemon.submit({"pwd > where; env > environment"}, {{"OF_THE_SUBMITTER", "my value"}}).status == 201);
  REQUIRE(wait_for_state(place, 1, "done"));
  CHECK(std::filesystem::equivalent(read_file(place / "where").substr(0, place.path().string().size()), place.path()));
  const std::string environment = read_file(place / "environment");
  CHECK(environment.find("OF_THE_SUBMITTER=my value\n") != std::string::npos);
  CHECK(environment.find("OF_THE_DAEMON") == std::string::npos);
  CHECK(daemon.log().find("my value") == std::string::npos);
  CHECK(read_file(place.database()).find("my value") == std::string::npos);
  CHECK(read_file(place.database().string() + "-wal").find("my value") == std::string::npos);
}

TEST_CASE("a command's output is in the trial's log") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({"echo to stdout; echo to stderr >&2"}).status == 201);
  REQUIRE(wait_for_state(place, 1, "done"));
  const std::string log = read_file(trial_log_path(place.database(), 1));
  CHECK(log.find("to stdout\n") != std::string::npos);
  CHECK(log.find("to stderr\n") != std::string::npos);
}

TEST_CASE("a wrong sweep file is refused with its place, and nothing is in the database") {
  Workplace place;
  Daemon daemon(place);
  const ApiReply reply =
      daemon.client().post("/v1/sweeps", {{"config", "name: a\nmethod: nonsense\nparameters: {epochs: {value: 1}}\n"},
                                          {"file", "wrong.yaml"},
                                          {"cwd", place.path().string()}});
  CHECK(reply.status == 400);
  CHECK(reply.error().find("wrong.yaml:2:") == 0);
  CHECK(daemon.client().post("/v1/sweeps", json::object()).status == 400);
  CHECK(place.sql("SELECT count(*) FROM sweeps") == "0");
  CHECK(place.sql("SELECT count(*) FROM trials") == "0");
}

TEST_CASE("sweeps and trials are listed, filtered, and shown with what was measured") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({"sleep 0.3", "false"}).status == 201);
  REQUIRE(wait_for_state(place, 2, "failed"));
  const ApiClient client = daemon.client();
  const json sweeps = client.get("/v1/sweeps").body;
  REQUIRE(sweeps.size() == 1);
  CHECK(sweeps[0]["trials"] == 2);
  CHECK(sweeps[0]["done"] == 1);
  CHECK(sweeps[0]["failed"] == 1);
  CHECK_FALSE(sweeps[0].contains("config"));
  CHECK(client.get("/v1/sweeps/1").body["config"].get<std::string>().find("name: test") == 0);
  CHECK(client.get("/v1/trials?sweep=1").body.size() == 2);
  CHECK(client.get("/v1/trials?sweep=1&state=failed").body[0]["trial_id"] == 2);
  CHECK(client.get("/v1/trials?state=lost").body.empty());
  CHECK(client.get("/v1/trials?limit=1").body.size() == 1);
  CHECK(client.get("/v1/trials?after=1").body[0]["trial_id"] == 2);
  const json trial = client.get("/v1/trials/1").body;
  CHECK(trial["state"] == "done");
  CHECK(trial["parameters"]["do"] == "sleep 0.3");
  CHECK(trial["memory"]["tick_count"].get<int>() >= 1);
  const json samples = client.get("/v1/trials/1/samples").body;
  // As it is sent: whoever parses it keeps the last of two members of one name.
  REQUIRE(std::system(fmt::format("curl -s --unix-socket {} http://m/v1/trials/1/samples > {}",
                                  daemon_socket_path("").string(), (place / "samples.json").string())
                          .c_str()) == 0);
  const std::string sent = read_file(place / "samples.json");
  for (const auto& [name, value] : samples[0].items()) {
    CAPTURE(name);
    CHECK(times_in(sent, json(name).dump() + ":") == samples.size());
  }
  CHECK(std::to_string(samples.size()) == place.sql("SELECT count(*) FROM samples WHERE trial_id = 1"));
  CHECK(samples[0]["kind"] == "start");
  const json later =
      client.get(fmt::format("/v1/trials/1/samples?limit=1&after={}", samples[0]["time_ns"].dump())).body;
  CHECK(later == json::array({samples[1]}));
}

TEST_CASE("what is asked wrongly is answered with what would be right") {
  Workplace place;
  Daemon daemon(place);
  struct Row {
    const char* path;
    int status;
    const char* error;
  };
  const Row rows[] = {
      {"/v1/sweeps/7", 404, "there is no sweep 7"},
      {"/v1/trials/7", 404, "there is no trial 7"},
      {"/v1/trials/7/samples", 404, "there is no trial 7"},
      {"/v1/trials/x", 404, "there is no trial 'x': an id is a whole number"},
      {"/v1/trials?sweep=7", 404, "there is no sweep 7"},
      {"/v1/trials?sweep=x", 400, "sweep is 'x', and would have to be a whole number"},
      {"/v1/trials?limit=0", 400, "limit is 0, and would have to be 1 or more"},
      {"/v1/trials?limit=-1", 400, "limit is '-1', and would have to be a whole number"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path);
    const ApiReply reply = daemon.client().get(row.path);
    CHECK(reply.status == row.status);
    CHECK(reply.error() == row.error);
  }
  CHECK(daemon.client().get("/v1/trials?state=walking").status == 400);
  CHECK(daemon.client().post("/v1/sweeps/7/cancel").status == 404);
  CHECK(daemon.client().post("/v1/trials/7/cancel").status == 404);
}

TEST_CASE("a list of more rows than a page comes whole") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({kUntilGo}).status == 201);
  std::vector<std::string> many(1203, "true");
  REQUIRE(daemon.submit(many).status == 201);
  const json trials = daemon.client().get("/v1/trials?sweep=2").body;
  REQUIRE(trials.size() == 1203);
  CHECK(trials.back()["number"] == 1203);
  CHECK(daemon.client().get("/v1/trials?sweep=2&limit=500").body.size() == 500);
  CHECK(daemon.client().get("/v1/trials?sweep=2&limit=700").body.size() == 700);
  CHECK(daemon.client().post("/v1/sweeps/2/cancel").body["cancelled_queued"] == 1203);
}

TEST_CASE("a cancelled sweep ends what runs and begins nothing more") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({kUntilGo, "touch never", "touch never"}).status == 201);
  REQUIRE(wait_until_begun(place));
  CHECK(daemon.client().post("/v1/sweeps/1/cancel").body == json{{"cancelled_queued", 2}, {"signalled", 1}});
  REQUIRE(wait_for_state(place, 1, "cancelled"));
  CHECK(place.sql("SELECT count(*) FROM trials WHERE state = 'cancelled'") == "3");
  CHECK_FALSE(std::filesystem::exists(place / "never"));
  CHECK(daemon.client().post("/v1/sweeps/1/cancel").body == json{{"cancelled_queued", 0}, {"signalled", 0}});
}

TEST_CASE("one trial is cancelled, queued or running, and the others run") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({kUntilGo, "touch never", "true"}).status == 201);
  REQUIRE(wait_until_begun(place));
  CHECK(daemon.client().post("/v1/trials/2/cancel").body == json{{"cancelled_queued", 1}, {"signalled", 0}});
  CHECK(daemon.client().post("/v1/trials/1/cancel").body == json{{"cancelled_queued", 0}, {"signalled", 1}});
  REQUIRE(wait_for_state(place, 3, "done"));
  CHECK(place.sql("SELECT group_concat(state) FROM (SELECT state FROM trials ORDER BY trial_id)") ==
        "cancelled,cancelled,done");
  CHECK_FALSE(std::filesystem::exists(place / "never"));
}

TEST_CASE("SIGTERM ends the daemon and not the trial, the next daemon watches it on and runs the rest") {
  Workplace place;
  {
    Daemon daemon(place);
    REQUIRE(daemon.submit({kUntilGo, "touch second"}).status == 201);
    REQUIRE(wait_until_begun(place));
    CHECK(daemon.end(SIGTERM) == 0);
    CHECK_FALSE(std::filesystem::exists(daemon_socket_path("")));
  }
  CHECK(place.sql("SELECT state FROM trials WHERE trial_id = 1") == "running");
  CHECK(place.processes_of_trial(1) > 0);
  Daemon next(place);
  REQUIRE(wait_until([&] { return next.log().find("trial 1 runs already") != std::string::npos; }));
  CHECK(next.client().get("/v1/health").body["trials"]["adopted"] == 1);
  place.make_file("go");
  REQUIRE(wait_for_state(place, 2, "done"));
  CHECK(place.sql("SELECT state FROM trials WHERE trial_id = 1") == "done");
  CHECK(place.sql("SELECT count(*) FROM trials WHERE attempt > 1") == "0");
}

TEST_CASE("kill -9 of the daemon costs no sample of the running trial, and the next daemon runs the rest") {
  Workplace place;
  {
    Daemon daemon(place);
    REQUIRE(daemon.submit({"echo ran >> runs; " + kUntilGo, "touch second"}).status == 201);
    REQUIRE(wait_until_begun(place));
    CHECK(daemon.end(SIGKILL) == 128 + SIGKILL);
  }
  Daemon next(place);
  const std::string before = place.sql("SELECT count(*) FROM samples WHERE trial_id = 1");
  REQUIRE(wait_until([&] { return place.sql("SELECT count(*) FROM samples WHERE trial_id = 1") != before; }));
  place.make_file("go");
  REQUIRE(wait_for_state(place, 2, "done"));
  CHECK(place.sql("SELECT state FROM trials WHERE trial_id = 1") == "done");
  CHECK(read_file(place / "runs") == "ran\n");
  CHECK(place.sql("PRAGMA integrity_check") == "ok");
}

TEST_CASE("a trial that ends while no daemon is there is done, and the next daemon goes on behind it") {
  Workplace place;
  {
    Daemon daemon(place);
    REQUIRE(daemon.submit({kUntilGo, "true"}).status == 201);
    REQUIRE(wait_until_begun(place));
    daemon.end(SIGKILL);
  }
  place.make_file("go");
  REQUIRE(wait_for_state(place, 1, "done"));
  Daemon next(place);
  REQUIRE(wait_for_state(place, 2, "done"));
}

TEST_CASE("kill -9 of the collector: the trial is lost, nothing of its tree lingers, the next one runs") {
  Workplace place;
  Daemon daemon(place);
  // A plain child, one in another session whose parent has gone, and one of those that has cleared its environment.
  const std::string command =
      "sleep 1000 & setsid -f sh -c 'touch forked; exec sleep 1001'; "
      "env -i /usr/bin/setsid -f /bin/sh -c 'echo $$ > bare.part; mv bare.part bare; exec /bin/sleep 1002'; "
      "while [ ! -e forked -o ! -e bare ]; do sleep 0.05; done; touch begun; sleep 1003";
  REQUIRE(daemon.submit({command, "true"}).status == 201);
  REQUIRE(wait_until_begun(place));
  const std::string bare = read_file(place / "bare");
  const std::filesystem::path bare_process = "/proc/" + bare.substr(0, bare.find('\n'));
  REQUIRE(std::filesystem::exists(bare_process));
  REQUIRE(place.processes_of_trial(1) >= 3);
  kill(place.collector_pid(1), SIGKILL);
  REQUIRE(wait_for_state(place, 1, "lost"));
  CHECK(place.processes_of_trial(1) == 0);
  CHECK(wait_until([&] { return !std::filesystem::exists(bare_process); }));
  CHECK(
      place.sql("SELECT reason FROM trials WHERE trial_id = 1").find("its collector was killed by signal 9 (Killed)") ==
      0);
  CHECK(wait_for_state(place, 2, "done"));
}

TEST_CASE("daemon and collector both killed: the next daemon ends the trial as lost and kills what is left") {
  Workplace place;
  {
    Daemon daemon(place);
    REQUIRE(daemon.submit({"setsid -f sh -c 'touch begun; exec sleep 1001'; sleep 1003", "true"}).status == 201);
    REQUIRE(wait_until_begun(place));
    daemon.end(SIGKILL);
  }
  kill(place.collector_pid(1), SIGKILL);
  REQUIRE(wait_until([&] { return place.processes_of_trial(1) > 0; }));
  Daemon next(place);
  REQUIRE(wait_for_state(place, 2, "done"));
  CHECK(place.sql("SELECT state FROM trials WHERE trial_id = 1") == "lost");
  CHECK(place.processes_of_trial(1) == 0);
}

TEST_CASE("after a power cut the running trial is lost with its samples kept, and the rest of the queue runs") {
  Workplace place;
  {
    Daemon daemon(place);
    REQUIRE(daemon.submit({kUntilGo, "touch second", "touch third"}).status == 201);
    REQUIRE(wait_until_begun(place));
    REQUIRE(wait_until([&] { return place.sql("SELECT count(*) > 3 FROM samples") == "1"; }));
    daemon.end(SIGKILL);
  }
  const FileDescriptor collector = open_process(place.collector_pid(1));
  TreeEnd tree(place.sql("SELECT uid FROM trials WHERE trial_id = 1"), place.sql("SELECT cgroup FROM trials"));
  send_signal(collector, SIGKILL);
  REQUIRE(wait_until([&] { return has_ended(collector) && tree.look({}); }));
  REQUIRE(place.processes_of_trial(1) == 0);
  // What a boot leaves of /run: no socket, and no lock that would tell who ran what.
  for (const auto& entry : std::filesystem::directory_iterator(place / "run")) {
    std::filesystem::remove_all(entry.path());
  }
  const std::string samples = place.sql("SELECT count(*) || ' to ' || max(time_ns) FROM samples");
  Daemon next(place);
  REQUIRE(wait_for_state(place, 3, "done"));
  CHECK(place.sql("SELECT group_concat(state) FROM (SELECT state FROM trials ORDER BY trial_id)") == "lost,done,done");
  CHECK(place.sql("SELECT reason FROM trials WHERE trial_id = 1") ==
        "its collector ended without recording the outcome");
  CHECK(place.sql("SELECT count(*) || ' to ' || max(time_ns) FROM samples WHERE trial_id = 1") == samples);
  CHECK(place.sql("SELECT tick_count > 0 FROM trial_memory WHERE trial_id = 1") == "1");
  CHECK(std::filesystem::exists(place / "second"));
  CHECK(std::filesystem::exists(place / "third"));
  CHECK(next.client().get("/v1/health").body["trials"]["lost"] == 1);
  CHECK(place.sql("PRAGMA integrity_check") == "ok");
}

TEST_CASE("a process that shows no environment is found by the trial's cgroup, which goes with it") {
  Workplace place;
  {
    Daemon daemon(place);
    const std::string command =
        "env -i /usr/bin/setsid -f /bin/sh -c 'echo $$ > bare.part; mv bare.part bare; exec /bin/sleep 1002'; "
        "while [ ! -e bare ]; do sleep 0.05; done; touch begun; sleep 1003";
    REQUIRE(daemon.submit({command}).status == 201);
    REQUIRE(wait_until_begun(place));
    daemon.end(SIGKILL);
  }
  const std::filesystem::path cgroup = place.sql("SELECT coalesce(cgroup, '') FROM trials");
  const FileDescriptor bare_process = open_process(std::stoi(read_file(place / "bare")));
  kill(place.collector_pid(1), SIGKILL);
  if (cgroup.empty()) {
    send_signal(bare_process, SIGKILL);
    MESSAGE("not tried: no cgroup can be made here");
    return;
  }
  CHECK(std::filesystem::exists(cgroup));
  Daemon next(place);
  REQUIRE(wait_for_state(place, 1, "lost"));
  CHECK(has_ended(bare_process));  // reaped or not, which is up to whoever inherited it
  CHECK_FALSE(std::filesystem::exists(cgroup));
}

TEST_CASE("a second daemon on the same database is refused and told the first one's pid") {
  Workplace place;
  Daemon daemon(place);
  const EndedDaemon second =
      run_memtrackd(place, {"--db", place.database().string(), "--socket", (place / "other.sock").string()});
  CHECK(second.exit_code == 78);  // which the units do not try again
  CHECK(second.output.find(fmt::format("by process {}", daemon.pid())) != std::string::npos);
  const EndedDaemon same_socket = run_memtrackd(place, {"--db", (place / "other.db").string()});
  CHECK(same_socket.exit_code == 1);
  CHECK(same_socket.output.find("another memtrackd listens on") != std::string::npos);
  CHECK(daemon.client().get("/v1/health").status == 200);
}

TEST_CASE("a daemon whose database lies on a read-only file system does not start, and says what cannot be written") {
  const Workplace place;
  const auto disk = SmallDisk::make("24m");
  if (!disk) {
    MESSAGE("mounting is not allowed here: not tested");
    return;
  }
  const TemporaryDirectory folder;
  { Database::open_for_writing(folder / "memtrack.db"); }
  REQUIRE(mount(nullptr, folder.path().parent_path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  for (const std::string name : {"memtrack.db", "sub/memtrack.db"}) {
    const EndedDaemon ended = run_memtrackd(place, {"--db", (folder / name).string()});
    CAPTURE(ended.output);
    CHECK(ended.exit_code == 1);
    CHECK(times_in(ended.output, "\n") == 1);
    CHECK(times_in(ended.output, folder.path().string()) == 1);
    CHECK(ended.output.ends_with("Read-only file system; name another database with --db or MEMTRACK_DB\n"));
    CHECK_FALSE(std::filesystem::exists(daemon_socket_path("")));
  }
}

TEST_CASE("a database that another writer holds for a while delays the queue and ends nothing") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({kUntilGo, "true"}).status == 201);
  REQUIRE(wait_until_begun(place));
  const std::string writer = fmt::format(
      "cd {} && (sqlite3 memtrack.db 'BEGIN IMMEDIATE; SELECT 1;' '.shell touch held; while [ -e held -a ! -e let_go "
      "]; do sleep "
      "0.05; done' COMMIT > writer.log 2>&1 &)",
      place.path().string());
  REQUIRE(std::system(writer.c_str()) == 0);
  REQUIRE(wait_until([&] { return std::filesystem::exists(place / "held"); }));
  kill(place.collector_pid(1), SIGKILL);
  REQUIRE(wait_until([&] { return daemon.log().find("trying again") != std::string::npos; }));
  CHECK(daemon.client().get("/v1/health").status == 200);
  place.make_file("let_go");
  CHECK(wait_for_state(place, 2, "done"));
  CHECK(place.sql("SELECT state FROM trials WHERE trial_id = 1") == "lost");
}

TEST_CASE("a collector holds nothing of the daemon's: no socket, no database, no lock but its own") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({kUntilGo}).status == 201);
  REQUIRE(wait_until_begun(place));
  std::size_t locks = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", place.collector_pid(1)))) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    CAPTURE(target);
    CHECK(target.find("memtrackd.lock") == std::string::npos);
    locks += target.ends_with(".lock") ? 1 : 0;
  }
  CHECK(locks == 1);
  // Were the daemon's listening socket or its lock open in the collector, a second daemon could not start.
  CHECK(daemon.end(SIGKILL) == 128 + SIGKILL);
  Daemon next(place);
  CHECK(next.client().get("/v1/health").status == 200);
}

TEST_CASE("usage errors exit 2 and help and version exit 0") {
  Workplace place;
  CHECK(run_memtrackd(place, {"--nonsense"}).exit_code == 2);
  CHECK(run_memtrackd(place, {"--help"}).exit_code == 0);
  const EndedDaemon version = run_memtrackd(place, {"--version"});
  CHECK(version.exit_code == 0);
  CHECK(version.output == "memtrackd " MEMTRACK_VERSION "\n");
}
