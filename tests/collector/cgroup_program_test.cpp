// memtrack-collector as a program, where a trial gets a cgroup of its own.

#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "collector/cgroup.h"
#include "tests/collector/collected_trial.h"

using namespace memtrack;
using namespace memtrack::testing;
using namespace std::chrono_literals;

namespace {

constexpr double kMiB = 1024 * 1024;

// False, with a word on why: no cgroups here.
bool has_cgroups() {
  const auto none = check_cgroups();
  if (none) {
    MESSAGE("not tried: " << none->reason);
  }
  return !none;
}

std::string cgroup_of(CollectedTrial& trial) {
  return trial.sql("SELECT coalesce(cgroup, '') FROM trials");
}

// The trial's process whose command line holds `word`. 0: none.
pid_t process_of(const CollectedTrial& trial, const std::string& word) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    if (read_file(entry.path() / "cmdline").find(word) != std::string::npos &&
        read_file(entry.path() / "environ").find("MEMTRACK_TRIAL=" + trial.trial().uid) != std::string::npos) {
      return std::stoi(entry.path().filename().string());
    }
  }
  return 0;
}

void hide_cgroups() {
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("none", "/sys/fs/cgroup", "tmpfs", 0, nullptr) != 0) {
    _exit(98);
  }
}

}  // namespace

TEST_CASE("the cgroup's peak of a 200 MiB burst between ticks is exact") {
  if (!has_cgroups()) {
    return;
  }
  CollectedTrial trial({footprint(), "burst=200"}, {.interval = 5s});
  CHECK(trial.run() == 0);
  CHECK(trial.number("SELECT peak_cgroup_bytes FROM trial_memory") == doctest::Approx(200 * kMiB).epsilon(0.01));
  CHECK(trial.sql("SELECT oom_kill_count FROM trials") == "0");
  CHECK(cgroup_of(trial).ends_with("/memtrack-" + trial.trial().uid));
  CHECK_FALSE(std::filesystem::exists(cgroup_of(trial)));
}

TEST_CASE("each sample has what is charged to the cgroup at that time") {
  if (!has_cgroups()) {
    return;
  }
  CollectedTrial trial({footprint(), "private=100", "ready", "sleep=200"});
  CHECK(trial.run() == 0);
  CHECK(trial.sql("SELECT count(*) FROM samples WHERE cgroup_bytes IS NULL") == "0");
  CHECK(trial.number("SELECT max(cgroup_bytes) FROM samples WHERE kind = 'tick'") ==
        doctest::Approx(100 * kMiB).epsilon(0.02));
}

TEST_CASE("a program over its memory_limit ends oom_killed") {
  if (!has_cgroups()) {
    return;
  }
  CollectedTrial trial({footprint(), "private=100"}, {.memory_limit_bytes = 50 << 20});
  CHECK(trial.run() == 0);
  CHECK(trial.state() == "oom_killed");
  CHECK(trial.sql("SELECT oom_kill_count FROM trials") == "1");
  CHECK(trial.sql("SELECT term_signal FROM trials") == "9");
  CHECK(trial.reason() ==
        "ended by signal 9 (SIGKILL); for want of memory the kernel killed 1 process of it (memory_limit 50MiB)");
  CHECK(trial.number("SELECT peak_cgroup_bytes FROM trial_memory") <= 50 * kMiB);
}

TEST_CASE("a program just below its memory_limit is done") {
  if (!has_cgroups()) {
    return;
  }
  CollectedTrial trial({footprint(), "private=100"}, {.memory_limit_bytes = 110 << 20});
  CHECK(trial.run() == 0);
  CHECK(trial.state() == "done");
  CHECK(trial.sql("SELECT oom_kill_count FROM trials") == "0");
}

TEST_CASE("a worker over the memory_limit is counted though its parent exits with 0") {
  if (!has_cgroups()) {
    return;
  }
  CollectedTrial trial({footprint(), "child=100"}, {.memory_limit_bytes = 50 << 20});
  CHECK(trial.run() == 0);
  CHECK(trial.state() == "done");
  CHECK(trial.sql("SELECT exit_code FROM trials") == "0");
  CHECK(trial.sql("SELECT oom_kill_count FROM trials") == "1");
  CHECK(trial.reason() == "for want of memory the kernel killed 1 process of it (memory_limit 50MiB)");
}

TEST_CASE("killed by hand with SIGKILL is failed with signal 9, limit or not") {
  CollectedTrial trial({"sh", "-c", "kill -KILL $$"});
  CHECK(trial.run() == 0);
  CHECK(trial.state() == "failed");
  CHECK(trial.sql("SELECT term_signal FROM trials") == "9");
  if (!has_cgroups()) {
    return;
  }
  CollectedTrial limited({"sh", "-c", "kill -KILL $$"}, {.memory_limit_bytes = 50 << 20});
  CHECK(limited.run() == 0);
  CHECK(limited.state() == "failed");
  CHECK(limited.sql("SELECT term_signal FROM trials") == "9");
  CHECK(limited.sql("SELECT oom_kill_count FROM trials") == "0");
}

TEST_CASE("a double-forked process in a session of its own is in the group and ended with it") {
  if (!has_cgroups()) {
    return;
  }
  CollectedTrial trial({footprint(), "orphan=20", "ready", "forever"});
  const pid_t collector = trial.start();
  REQUIRE(wait_until([&] { return trial.log() == "ready\n"; }));
  const std::filesystem::path cgroup = cgroup_of(trial);
  CHECK(read_file(cgroup / "cgroup.procs").size() > 0);
  CHECK(wait_until([&] { return last_process_count(trial) == "2"; }));
  kill(collector, SIGTERM);
  CHECK(trial.wait() == 0);
  CHECK(trial.state() == "cancelled");
  CHECK_FALSE(trial.has_processes());
  CHECK_FALSE(std::filesystem::exists(cgroup));
}

TEST_CASE("a process that left the cgroup is still of the tree") {
  if (!has_cgroups()) {
    return;
  }
  CollectedTrial trial({"sh", "-c", "sleep 1000 & while [ ! -e go ]; do sleep 0.01; done"});
  trial.start();
  pid_t left = 0;
  REQUIRE(wait_until([&] { return (left = process_of(trial, "sleep\0001000")) > 0; }));
  const std::filesystem::path cgroup = cgroup_of(trial);
  const std::filesystem::path elsewhere = cgroup.parent_path() / "memtrack-test-elsewhere";
  REQUIRE(std::filesystem::create_directory(elsewhere));
  REQUIRE(write_cgroup_file(elsewhere / "cgroup.procs", std::to_string(left)) == 0);
  const std::string now = trial.sql("SELECT coalesce(max(time_ns), 0) FROM samples");
  CHECK(wait_until([&] {
    return trial.sql("SELECT count(*) > 0 FROM samples WHERE process_count >= 2 AND time_ns > " + now) == "1";
  }));
  std::ofstream(trial.path("go")) << "";
  CHECK(trial.wait() == 0);
  CHECK_FALSE(trial.has_processes());
  CHECK(rmdir(elsewhere.c_str()) == 0);
}

TEST_CASE("a trial of a database and the same trial of its copy run side by side and neither ends the other") {
  if (!has_cgroups()) {
    return;
  }
  CollectedTrial trial({"sh", "-c", "echo ready; while [ ! -e go ]; do sleep 0.01; done"});
  trial.start();
  REQUIRE(wait_until([&] { return trial.log() == "ready\n"; }));
  CollectedTrial copy({"true"});
  copy.database().handle().exec("UPDATE trials SET uid = '" + trial.trial().uid + "'");
  CHECK(copy.run() == 0);
  CHECK(copy.state() == "done");
  CHECK(copy.sql("SELECT coalesce(cgroup, '') FROM trials") != cgroup_of(trial));
  std::ofstream(trial.path("go")) << "";
  CHECK(trial.wait() == 0);
  CHECK(trial.state() == "done");
}

TEST_CASE("a trial without a cgroup is measured all the same") {
  if (geteuid() != 0) {
    MESSAGE("not tried: only root can hide /sys/fs/cgroup");
    return;
  }
  CollectedTrial trial({footprint(), "private=20", "sleep=100"}, {.before_exec = hide_cgroups});
  CHECK(trial.run() == 0);
  CHECK(trial.state() == "done");
  CHECK(trial.sql("SELECT cgroup FROM trials") == "NULL");
  CHECK(trial.sql("SELECT oom_kill_count FROM trials") == "NULL");
  CHECK(trial.sql("SELECT count(cgroup_bytes) FROM samples") == "0");
  CHECK(trial.sql("SELECT peak_cgroup_bytes FROM trial_memory") == "NULL");
  CHECK(trial.number("SELECT max(tree_rss_anon_bytes) FROM samples") == doctest::Approx(20 * kMiB).epsilon(0.05));
}

TEST_CASE("a memory_limit that cannot be obeyed fails the trial, which does not run") {
  if (geteuid() != 0) {
    MESSAGE("not tried: only root can hide /sys/fs/cgroup");
    return;
  }
  CollectedTrial trial({"touch", "ran"}, {.memory_limit_bytes = 50 << 20, .before_exec = hide_cgroups});
  CHECK(trial.run() == 0);
  CHECK(trial.state() == "failed");
  CHECK(trial.reason().starts_with("was not started, since its memory_limit of 50MiB could not be obeyed: "));
  CHECK_FALSE(std::filesystem::exists(trial.path("ran")));
}
