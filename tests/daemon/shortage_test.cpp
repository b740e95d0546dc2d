// A daemon that lacks something goes on when it is there again, and says meanwhile what it waits for.

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include "storage/database.h"
#include "tests/daemon/fixture.h"
#include "tests/small_disk.h"

using memtrack::Database;
using memtrack::testing::Daemon;
using memtrack::testing::SmallDisk;
using memtrack::testing::wait_until;
using memtrack::testing::Workplace;

namespace {

bool wait_for_state(const Workplace& place, int trial, const std::string& state) {
  return wait_until(
      [&] { return place.sql(fmt::format("SELECT state FROM trials WHERE trial_id = {}", trial)) == state; });
}

bool wait_for_log(const Daemon& daemon, const std::string& text) {
  return wait_until([&] { return daemon.log().find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("a daemon whose descriptors are used up loses no trial and starts the next when there are some again") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({"touch begun; while [ ! -e go ]; do sleep 0.01; done", "true"}).status == 201);
  REQUIRE(wait_until([&] { return std::filesystem::exists(place / "begun"); }));
  rlimit enough{};
  REQUIRE(prlimit(daemon.pid(), RLIMIT_NOFILE, nullptr, &enough) == 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = enough.rlim_max};
  REQUIRE(prlimit(daemon.pid(), RLIMIT_NOFILE, &none, nullptr) == 0);
  place.make_file("go");
  CHECK(wait_for_state(place, 1, "done"));
  CHECK(wait_for_log(daemon, "Too many open files"));
  CHECK(wait_for_log(daemon, "trying again"));
  REQUIRE(prlimit(daemon.pid(), RLIMIT_NOFILE, &enough, nullptr) == 0);
  CHECK(wait_for_state(place, 2, "done"));
}

TEST_CASE("a daemon whose runtime folder went with its login session goes on when it is there again") {
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({"touch begun; while [ ! -e go ]; do sleep 0.01; done", "true"}).status == 201);
  REQUIRE(wait_until([&] { return std::filesystem::exists(place / "begun"); }));
  std::filesystem::remove_all(place / "run");
  place.make_file("run");  // root could make the folder again
  place.make_file("go");
  CHECK(wait_for_state(place, 1, "done"));
  CHECK(wait_for_log(daemon, "it comes back with the next login"));
  std::filesystem::remove(place / "run");
  std::filesystem::create_directory(place / "run");
  CHECK(wait_for_state(place, 2, "done"));
  CHECK(daemon.end(SIGTERM) == 0);
}

TEST_CASE("a daemon waits for a database that another program holds for longer than a wrong path is tried") {
  Workplace place;
  { Database::open_for_writing(place.database()); }
  const Daemon daemon(place,
                      "(sqlite3 memtrack.db 'PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE;' "
                      "'UPDATE sweeps SET paused = 0;' '.shell touch held; sleep 11' > holder.log 2>&1 &)\n"
                      "until [ -e held ]; do sleep 0.01; done");
  CHECK(daemon.log().find("another program holds it: wait for that, or end it; trying again") != std::string::npos);
}

TEST_CASE("a daemon whose disk is full keeps what is queued and runs it when there is room") {
  const auto disk = SmallDisk::make("24m");
  if (!disk) {
    MESSAGE("mounting is not allowed here: not tested");
    return;
  }
  Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({"while [ ! -e go ]; do sleep 0.01; done", "true"}).status == 201);
  REQUIRE(wait_for_state(place, 1, "running"));
  place.make_file("go");
  disk->fill();
  REQUIRE(wait_until([&] { return place.processes_of_trial(1) == 0; }));
  CHECK(daemon.client().get("/v1/health").status == 200);
  CHECK(daemon.submit({"true"}).status >= 500);
  disk->make_room();
  CHECK(wait_for_state(place, 1, "done"));
  CHECK(wait_for_state(place, 2, "done"));
  CHECK(place.sql("SELECT count(*) FROM sweeps") == "1");
  CHECK(place.sql("PRAGMA integrity_check") == "ok");
}
