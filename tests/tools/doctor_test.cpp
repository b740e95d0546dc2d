#include "tools/doctor.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/end_to_end/session.h"
#include "tests/text.h"
#include "tools/text.h"

using namespace memtrack;
using memtrack::testing::CommandResult;
using memtrack::testing::contains;
using memtrack::testing::Session;

namespace {

constexpr const char* kMeminfo =
    "MemTotal:       24684096 kB\nMemFree:        10000000 kB\nMemAvailable:   12000000 kB\nBuffers:          100 kB\n"
    "Cached:          2000000 kB\nSwapCached:            0 kB\nActive:          3000000 kB\nSwapTotal:       2097152 "
    "kB\n"
    "SwapFree:        1048576 kB\nDirty:               12 kB\nAnonPages:       1000000 kB\nShmem:             1000 kB\n"
    "SReclaimable:      30000 kB\nSlab:              60000 kB\n";

// A machine that lacks nothing.
MachineFacts sound_machine() {
  return {.kernel = "6.1.0",
          .cores = 2,
          .has_pidfd = true,
          .is_root = true,
          .most_open_files = 20000,
          .meminfo = kMeminfo,
          .zoneinfo = "Node 0, zone   Normal\n  pagesets\n    cpu: 0\n              count: 12\n",
          .own_status =
              "Name:\tmemtrack\nVmHWM:\t 9 kB\nVmRSS:\t 9 kB\nRssAnon:\t 3 kB\nRssFile:\t 6 kB\nRssShmem:\t 0 kB\n",
          .own_smaps_rollup = "0-1 ---p 0 00:00 0 [rollup]\nRss: 9 kB\nPss: 5 kB\nPss_Anon: 3 kB\n",
          .proc_options = "rw,relatime,rw",
          .lists_children = true,
          .cgroup_version = 2,
          .timer = {.clock_source = "tsc",
                    .slack_ns = 50000,
                    .interval = std::chrono::milliseconds(1),
                    .ticks = 200,
                    .median_late = std::chrono::microseconds(60),
                    .largest_late = std::chrono::microseconds(900)},
          .cost = {.processes = 4, .cpu_a_tick = std::chrono::microseconds(120)},
          .database = {.path = "/var/lib/memtrack/memtrack.db",
                       .file_system = FileSystem{.magic = 0xEF53, .mount_type = "ext4", .free_bytes = 40LL << 30}},
          .runtime = {.path = "/run/memtrack"},
          .socket_path_bytes = 50,
          .daemon = "runs: pid 12",
          .datasets = {{.name = "mnist", .is_complete = true}}};
}

Finding find(const std::vector<Finding>& findings, const std::string& subject) {
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [&](const Finding& finding) { return finding.subject == subject; });
  REQUIRE(found != findings.end());
  return *found;
}

}  // namespace

TEST_CASE("a machine that lacks nothing is found so") {
  const std::vector<Finding> findings = judge(sound_machine());
  for (const Finding& finding : findings) {
    CAPTURE(finding.subject);
    CAPTURE(finding.text);
    CHECK(finding.ability == Ability::ok);
  }
  CHECK(can_work(findings));
  CHECK(contains(find(findings, "swap").text, "2.0 GiB, 1.0 GiB free"));
  CHECK(contains(find(findings, "cost of a tick").text, "0.012% of a core at 1s, 1.2% at 10ms"));
  CHECK(contains(findings_text(findings, 80, false), "\n\nmemtrack can measure here.\n"));
}

TEST_CASE("each lack is told with what is lost and what would mend it") {
  using Change = std::function<void(MachineFacts&)>;
  const struct {
    const char* subject;
    Change change;
    Ability ability;
    const char* text;
    bool can_work;
  } cases[] = {
      {"kernel", [](MachineFacts& f) { f.has_pidfd = false; }, Ability::missing, "pidfd", false},
      {"system memory", [](MachineFacts& f) { f.meminfo = ""; }, Ability::missing, "mem_total_bytes", false},
      {"system memory", [](MachineFacts& f) { f.meminfo.replace(f.meminfo.find("MemAvailable"), 3, "Xxx"); },
       Ability::limited, "mem_available_bytes: NULL", true},
      {"per-CPU lists", [](MachineFacts& f) { f.zoneinfo = ""; }, Ability::limited, "used_corrected_bytes is NULL",
       true},
      {"process tree", [](MachineFacts& f) { f.lists_children = false; }, Ability::limited, "all processes", true},
      {"others' processes", [](MachineFacts& f) { f.is_root = false; }, Ability::limited, "without pss", true},
      {"others' processes",
       [](MachineFacts& f) {
         f.is_root = false;
         f.proc_options = "rw,hidepid=invisible";
       },
       Ability::limited, "hidepid", true},
      {"resident memory", [](MachineFacts& f) { f.own_status = ""; }, Ability::missing, "VmRSS", false},
      {"resident memory", [](MachineFacts& f) { f.own_status = "VmRSS:\t1 kB\n"; }, Ability::limited,
       "tree_rss_anon_bytes", true},
      {"peaks", [](MachineFacts& f) { f.own_status = "VmRSS:\t1 kB\n"; }, Ability::limited, "VmHWM", true},
      {"pss and uss", [](MachineFacts& f) { f.own_smaps_rollup = ""; }, Ability::limited, "tree_pss_bytes", true},
      {"pss and uss", [](MachineFacts& f) { f.own_smaps_rollup = "Pss: 1 kB\n"; }, Ability::limited,
       "tree_pss_anon_bytes", true},
      {"own cgroup", [](MachineFacts& f) { f.cgroup_problem = "no controller; systemd-run"; }, Ability::limited,
       "no controller: no memory_limit, no count of OOM kills", true},
      {"open files", [](MachineFacts& f) { f.most_open_files = 1024; }, Ability::limited, "1024", true},
      {"timer", [](MachineFacts& f) { f.timer.clock_source = "hpet"; }, Ability::limited, "slow to read", true},
      {"timer", [](MachineFacts& f) { f.timer.median_late = std::chrono::milliseconds(2); }, Ability::limited,
       "2.00 ms late", true},
      {"timer", [](MachineFacts& f) { f.timer.ticks = 0; }, Ability::limited, "could not be tried", true},
      {"cost of a tick", [](MachineFacts& f) { f.cost = {}; }, Ability::limited, "could not be tried", true},
      {"database", [](MachineFacts& f) { f.database.problem = "/x cannot be written: Permission denied"; },
       Ability::missing, "Permission denied", false},
      {"database", [](MachineFacts& f) { f.database.file_system->free_bytes = 1 << 20; }, Ability::limited,
       "1 MiB free", true},
      {"database", [](MachineFacts& f) { f.database_problem = "another program's"; }, Ability::limited,
       "another program's", true},
      {"sockets and locks", [](MachineFacts& f) { f.runtime.problem = "has 120 bytes"; }, Ability::missing, "120 bytes",
       false},
      {"programs", [](MachineFacts& f) { f.missing_programs = {"memtrack-trainer"}; }, Ability::limited,
       "memtrack-trainer", true},
      {"programs", [](MachineFacts& f) { f.missing_programs = {"memtrack-collector"}; }, Ability::missing,
       "memtrack-collector", false},
      {"memtrackd", [](MachineFacts& f) { f.daemon = ""; }, Ability::limited, "does not run", true},
      {"data sets", [](MachineFacts& f) { f.datasets.push_back({.name = "cifar-10"}); }, Ability::limited,
       "mnist is there; cifar-10 is not", true},
  };
  for (const auto& c : cases) {
    CAPTURE(c.subject);
    CAPTURE(c.text);
    MachineFacts facts = sound_machine();
    c.change(facts);
    const std::vector<Finding> findings = judge(facts);
    const Finding finding = find(findings, c.subject);
    CAPTURE(finding.text);
    CHECK(finding.ability == c.ability);
    CHECK(contains(finding.text, c.text));
    CHECK(can_work(findings) == c.can_work);
    CHECK(contains(findings_text(findings, 80, false), c.can_work ? "can measure here: " : "cannot work here: "));
  }
}

TEST_CASE("a cgroup that can have no limit has its figures all the same") {
  MachineFacts facts = sound_machine();
  facts.cgroup_problem = "swap cannot be limited; turn it off";
  facts.cgroup_lacks_only_limit = true;
  const Finding finding = find(judge(facts), "own cgroup");
  CHECK(finding.text == "swap cannot be limited: no memory_limit");
  CHECK(finding.remedy == "turn it off");
}

TEST_CASE("findings fit into 80 columns, and into a program") {
  MachineFacts facts;  // a machine that has nothing at all
  facts.database.path = "/var/lib/memtrack/memtrack.db";
  const std::vector<Finding> findings = judge(facts);
  CHECK_FALSE(can_work(findings));
  std::istringstream lines(findings_text(findings, 80, false));
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(display_width(line) <= 80);
  }
  const auto json = nlohmann::json::parse(findings_json(findings));
  CHECK(json["can_work"] == false);
  CHECK(json["findings"].size() == findings.size());
  CHECK(json["findings"][0]["ability"] == "missing");
  CHECK(json["findings"][0]["remedy"].is_string());
}

TEST_CASE("doctor looks at this machine and writes nothing") {
  const Session session;
  const CommandResult result = session.run("memtrack doctor");
  CHECK(result.exit_code == 0);
  CHECK(contains(result.output, "memtrack can measure here"));
  CHECK(contains(result.output, "to read the system and 4 processes"));
  CHECK(contains(result.output, (session.folder() / "memtrack.db").string()));
  CHECK_FALSE(std::filesystem::exists(session.folder() / "memtrack.db"));
  const auto json = nlohmann::json::parse(session.output_of("memtrack doctor --json"));
  CHECK(json["can_work"] == true);
}

TEST_CASE("doctor says why memtrack cannot work and its exit code is 1") {
  const Session session;
  session.write_file("file", "");
  const CommandResult unwritable = session.run("memtrack doctor --db file/memtrack.db");
  CHECK(unwritable.exit_code == 1);
  CHECK(contains(unwritable.output, "is no folder"));
  const CommandResult too_long =
      session.run("export XDG_RUNTIME_DIR=$PWD/$(printf '%0100d' 0); mkdir -m 700 $XDG_RUNTIME_DIR; memtrack doctor");
  CHECK(too_long.exit_code == 1);
  CHECK(contains(too_long.output, "at most 107"));
}
