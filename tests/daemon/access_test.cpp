// Who may see and reach what: the real program, its files and its socket.

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <set>

#include "tests/daemon/fixture.h"

using namespace memtrack;
using memtrack::testing::Daemon;
using memtrack::testing::read_file;
using memtrack::testing::wait_until;
using memtrack::testing::Workplace;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSweep =
    "method: grid\nparameters: {number: {value: 4711}}\nmemtrack: {interval: 20ms}\n"
    "command: [sh, -c, 'touch begun; while [ ! -e go ]; do sleep 0.05; done', sh, '${args_json_file}']\n";

ApiReply submit_with_secret(Daemon& daemon, const Workplace& place) {
  return daemon.client().post("/v1/sweeps", {{"config", kSweep},
                                             {"cwd", place.path().string()},
                                             {"environment", {{"PATH", "/usr/bin:/bin"}, {"SECRET", "of mine"}}}});
}

// Files and folders below `root` that others than their user may use in any way, and all that there are.
struct Modes {
  std::set<std::string> open;
  std::set<std::string> all;
};

Modes modes_below(const fs::path& root) {
  Modes modes;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    struct stat status {};
    if (lstat(entry.path().c_str(), &status) == 0) {
      const std::string name = fs::relative(entry.path(), root);
      modes.all.insert(name);
      if ((status.st_mode & 0077) != 0) {
        modes.open.insert(name);
      }
    }
  }
  return modes;
}

}  // namespace

TEST_CASE("what the service writes is its user's alone whatever the umask says") {
  Workplace place;
  const mode_t old_mask = umask(0);
  Daemon daemon(place);
  umask(old_mask);
  REQUIRE(submit_with_secret(daemon, place).status == 201);
  REQUIRE(wait_until([&] { return fs::exists(place / "begun") && place.collector_pid(1) > 0; }));
  const Modes modes = modes_below(place.path());
  CHECK(fmt::format("{}", fmt::join(modes.open, " ")) == "begun");  // the trial's own, made under the umask
  const std::string uid = place.sql("SELECT uid FROM trials");
  for (const std::string name :
       {"memtrack.db", "memtrack.db-wal", "memtrack.db-shm", "memtrack.logs", "memtrack.logs/1.log", "memtrack.private",
        "memtrack.private/1.environment", "memtrack.private/trial-1.args.json", "memtrack.private/trial-1.params.yaml",
        "memtrack.memtrackd.lock", "run/memtrack", "run/memtrack/memtrackd.sock"}) {
    CAPTURE(name);
    CHECK(modes.all.contains(name));
  }
  CHECK(modes.all.contains("run/memtrack/" + uid + ".lock"));
  CHECK(modes.all.contains("run/memtrack/" + uid + ".ev"));
}

TEST_CASE("no process of the service tells what it runs by its command line") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(submit_with_secret(daemon, place).status == 201);
  REQUIRE(wait_until([&] { return fs::exists(place / "begun") && place.collector_pid(1) > 0; }));
  for (const pid_t pid : {daemon.pid(), place.collector_pid(1)}) {
    const std::string command_line = read_file("/proc/" + std::to_string(pid) + "/cmdline");
    CHECK(command_line.find("memtrack.db") != std::string::npos);
    for (const char* secret : {"of mine", "4711", "begun"}) {
      CHECK(command_line.find(secret) == std::string::npos);
    }
  }
  CHECK(daemon.log().find("of mine") == std::string::npos);
  CHECK(daemon.client().get("/v1/sweeps/1").body.dump().find("of mine") == std::string::npos);
}

TEST_CASE("an id that would lead elsewhere names nothing") {
  Workplace place;
  Daemon daemon(place);
  for (const std::string target :
       {"/v1/trials/..", "/v1/trials/%2e%2e%2fmemtrack.db", "/v1/trials/1/../../../etc/passwd", "/v1/trials/-1",
        "/v1/trials/1%00", "/v1/trials/+1", "/v1/trials/0x1", "/v1/trials/99999999999999999999", "/v1/sweeps/1;",
        "/v1/sweeps/%31%20OR%201=1", "//v1/health", "/v1/health/", "/../etc/passwd", "/etc/passwd"}) {
    CAPTURE(target);
    CHECK(daemon.client().get(target).status == 404);
  }
  CHECK(daemon.client().get("/v1/trials?state=done%27--").status == 400);
  CHECK(daemon.client().get("/v1/trials?sweep=1%20OR%201").status == 400);
}

TEST_CASE("a data set of the built-in trainer is one of the catalogue's and never a path") {
  Workplace place;
  Daemon daemon(place);
  for (const std::string name : {"../mnist", "/etc/passwd", "mnist/../../x", "mnist\\0"}) {
    CAPTURE(name);
    const ApiReply reply = daemon.client().post(
        "/v1/sweeps",
        {{"config", "method: grid\nparameters: {dataset: {value: " + json(name).dump() + "}}\n"}, {"cwd", "/"}});
    CHECK(reply.status == 400);
    CHECK(reply.error().find("dataset is") != std::string::npos);
  }
}
