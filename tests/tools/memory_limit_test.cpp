// memory_limit from the sweep file and the command line to the trial's end, with the real programs.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "tests/end_to_end/session.h"

using memtrack::testing::CommandResult;
using memtrack::testing::Session;

TEST_CASE("a sweep's memory_limit ends the trial that needs more, by the daemon and without") {
  const Session session;
  if (session.run("memtrack run --memory-limit 1GiB -- true").exit_code != 0) {
    MESSAGE("not tried: no cgroup can be made here");
    return;
  }
  session.write_file("s.yaml",
                     "program: python3\nmethod: list\ncommand: [python3, -c, "
                     "'import sys; b = b\"x\" * (int(sys.argv[1].split(\"=\")[1]) << 20)', '${args}']\n"
                     "trials: [{mib: 20}, {mib: 300}]\n"
                     "memtrack: {memory_limit: 100MiB, interval: 50ms}\n");
  const std::string outcome =
      "SELECT group_concat(state || ' ' || oom_kill_count || ' ' || memory_limit_bytes, ', ') FROM trials "
      "WHERE sweep_id = ";
  CHECK(session.run("memtrack sweep s.yaml --local --wait").exit_code == 1);
  CHECK(session.sql(outcome + "2") == "done 0 104857600, oom_killed 1 104857600");
  session.output_of("memtrack daemon start");
  CHECK(session.run("memtrack sweep s.yaml --wait").exit_code == 1);
  CHECK(session.sql(outcome + "3") == "done 0 104857600, oom_killed 1 104857600");
  CHECK(session.sql("SELECT group_concat(peak_cgroup_bytes <= 104857600) FROM trial_memory WHERE trial_id > 1") ==
        "1,1,1,1");
}

TEST_CASE("without cgroups a sweep with a memory_limit is refused, one without runs") {
  const Session session;
  // Where /sys/fs/cgroup is empty: what root alone can arrange.
  const std::string hidden = "unshare -m sh -c 'mount -t tmpfs none /sys/fs/cgroup && exec sh -c \"$0\"' ";
  if (session.run(hidden + "true").exit_code != 0) {
    MESSAGE("not tried: /sys/fs/cgroup cannot be hidden here");
    return;
  }
  session.write_file("limited.yaml",
                     "name: limited\nmethod: list\ncommand: [touch, ran]\ntrials: [{x: 1}]\n"
                     "memtrack: {memory_limit: 100MiB}\n");
  session.write_file("free.yaml", "name: free\nmethod: list\ncommand: ['true']\ntrials: [{x: 1}]\n");
  session.output_of(hidden + "'memtrack daemon start'");
  for (const char* flags : {"", "--local --db other.db "}) {
    const CommandResult refused = session.run(fmt::format("{}'memtrack sweep {}limited.yaml --wait'", hidden, flags));
    INFO(refused.errors);
    CHECK(refused.exit_code == 2);
    CHECK(refused.errors.find("memory_limit of sweep 'limited' could not be obeyed: no cgroup can be made") !=
          std::string::npos);
    CHECK(std::count(refused.errors.begin(), refused.errors.end(), '\n') == 1);
  }
  CHECK(session.run(hidden + "'memtrack sweep free.yaml --wait'").exit_code == 0);
  const CommandResult run = session.run(hidden + "'memtrack run --memory-limit 100MiB -- touch ran'");
  CHECK(run.exit_code == 125);
  CHECK(run.errors.find("memory_limit of 100MiB could not be obeyed") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(session.folder() / "ran"));
  CHECK(session.sql("SELECT group_concat(name || ' ' || state) FROM sweeps") == "free done,touch failed");
}

TEST_CASE("a memory limit without a unit, or too small for any program, is refused before anything runs") {
  const Session session;
  for (const char* limit : {"512", "8G", "100KiB", "-1MiB"}) {
    CAPTURE(limit);
    const CommandResult result = session.run(fmt::format("memtrack run --memory-limit={} -- touch ran", limit));
    CHECK(result.exit_code == 125);
    CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
  }
  CHECK_FALSE(std::filesystem::exists(session.folder() / "ran"));
}
