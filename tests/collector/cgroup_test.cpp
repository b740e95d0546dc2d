#include "collector/cgroup.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "collector/cgroup_text.h"
#include "tests/collector/fake_cgroups.h"

using namespace memtrack;
using memtrack::testing::FakeCgroups;

namespace {

constexpr const char* kV1 = "5:devices:/\n4:cpu,memory:/work/shift\n2:cpuacct:/\n0::/\n";

std::string reason_of(const std::variant<TrialCgroup, NoCgroup>& made) {
  const auto* none = std::get_if<NoCgroup>(&made);
  return none != nullptr ? none->reason : "made";
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the processes of a group are read line by line, those of other namespaces left out") {
  CHECK(parse_cgroup_procs("12\n7\n40123\n") == std::vector<pid_t>{12, 7, 40123});
  CHECK(parse_cgroup_procs("0\n12\n0\n") == std::vector<pid_t>{12});
  CHECK(parse_cgroup_procs("12") == std::vector<pid_t>{12});
  for (const char* text : {"", "\n\n", "x\n", "-3\n", "4294967297\n", "99999999999999999999\n"}) {
    CHECK(parse_cgroup_procs(text).empty());
  }
}

TEST_CASE("OOM kills are counted by either version, or not at all") {
  CHECK(parse_oom_kills("low 0\nhigh 0\nmax 21\noom 2\noom_kill 1\noom_group_kill 0\n") == 1);
  CHECK(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n") == 3);
  CHECK(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\n") == std::nullopt);
  for (const char* text : {"", "oom_kill", "oom_kill x\n", "oom_kill \n", "oom_kill -1\n", "oom 4\n"}) {
    CHECK(parse_oom_kills(text) == std::nullopt);
  }
}

TEST_CASE("a figure is a number alone") {
  CHECK(parse_cgroup_figure("209715200\n") == 209715200);
  CHECK(parse_cgroup_figure("9223372036854771712\n") == 9223372036854771712);
  for (const char* text : {"", "max\n", "\n", "12 3\n", "-4096\n"}) {
    CHECK(parse_cgroup_figure(text) == std::nullopt);
  }
}

TEST_CASE("a controller is found as a whole word") {
  CHECK(lists_controller("cpuset cpu io memory pids\n", "memory"));
  CHECK(lists_controller("memory\n", "memory"));
  CHECK_FALSE(lists_controller("memory2 xmemory\n", "memory"));
  CHECK_FALSE(lists_controller("", "memory"));
}

TEST_CASE("our own group is that of the memory controller, or of the one hierarchy") {
  CHECK(parse_own_cgroup(kV1, 1) == "/work/shift");
  CHECK(parse_own_cgroup("1:name=systemd:/a:b\n0::/user.slice/x:y.scope\n", 2) == "/user.slice/x:y.scope");
  CHECK(parse_own_cgroup("0::/\n", 2) == "/");
  CHECK(parse_own_cgroup("0::/\n", 1) == std::nullopt);
  CHECK(parse_own_cgroup("4:memoryx:/a\n", 1) == std::nullopt);
  CHECK(parse_own_cgroup("", 2) == std::nullopt);
}

TEST_CASE("on v1 the group is made below our own, limited with swap, and gone at the end") {
  FakeCgroups fake(kV1);
  fake.write("memory/work/shift/cgroup.procs", "1\n");
  {
    auto made = make_trial_cgroup("memtrack-1", fake.place(false));
    REQUIRE(reason_of(made) == "made");
    const auto& cgroup = std::get<TrialCgroup>(made);
    CHECK(cgroup.path() == fake.path("memory/work/shift/memtrack-1"));
    cgroup.set_limit(512 << 20);
    CHECK(fake.read("memory/work/shift/memtrack-1/memory.limit_in_bytes") == "536870912\n");
    CHECK(fake.read("memory/work/shift/memtrack-1/memory.memsw.limit_in_bytes") == "536870912\n");
    fake.write("memory/work/shift/memtrack-1/memory.usage_in_bytes", "4096\n");
    fake.write("memory/work/shift/memtrack-1/memory.max_usage_in_bytes", "8192\n");
    fake.write("memory/work/shift/memtrack-1/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    CHECK(cgroup.current_bytes() == 4096);
    CHECK(cgroup.peak_bytes() == 8192);
    CHECK(cgroup.oom_kills() == 2);
  }
  CHECK_FALSE(fake.has("memory/work/shift/memtrack-1"));
}

TEST_CASE("within a container whose mount begins at our own group, that is the parent") {
  FakeCgroups fake("4:memory:/docker/0123\n");
  fake.write("memory/cgroup.procs", "1\n");
  const auto made = make_trial_cgroup("memtrack-1", fake.place(true));
  REQUIRE(reason_of(made) == "made");
  CHECK(std::get<TrialCgroup>(made).path() == fake.path("memory/memtrack-1"));
}

TEST_CASE("on v1 without the right to make groups the reason says where and what helps") {
  FakeCgroups fake(kV1);
  fake.write("memory/work/shift/cgroup.procs", "1\n");
  fake.forbidden = "memory/work/shift";
  const std::string reason = reason_of(make_trial_cgroup("memtrack-1", fake.place(false)));
  CHECK(holds(reason, fake.path("memory/work/shift/memtrack-1").string() + ": Permission denied"));
  CHECK(holds(reason, "run memtrack as root"));
}

TEST_CASE("in a delegated group of v2 memtrack's own processes move to a leaf, and the trial is beside them") {
  FakeCgroups fake("0::/user/mine.scope\n");
  fake.add_v2("", "cpu memory\n", "");
  fake.add_v2("user/mine.scope", "memory pids\n", "50\n51\n");
  fake.add_process(50, "memtrack");
  fake.add_process(51, "memtrack-collec");
  {
    const auto made = make_trial_cgroup("memtrack-1", fake.place(false));
    REQUIRE(reason_of(made) == "made");
    const auto& cgroup = std::get<TrialCgroup>(made);
    CHECK(cgroup.path() == fake.path("user/mine.scope/memtrack-1"));
    CHECK(fake.read("user/mine.scope/memtrack.self/cgroup.procs") == "50\n51\n");
    CHECK(fake.read("user/mine.scope/cgroup.procs").empty());
    cgroup.set_limit(512 << 20);
    CHECK(fake.read("user/mine.scope/memtrack-1/memory.max") == "536870912\n");
    CHECK(fake.read("user/mine.scope/memtrack-1/memory.swap.max") == "0\n");
    fake.write("user/mine.scope/memtrack-1/memory.events", "oom 1\noom_kill 1\n");
    CHECK(cgroup.oom_kills() == 1);
  }
  CHECK_FALSE(fake.has("user/mine.scope/memtrack-1"));
  CHECK(fake.has("user/mine.scope/memtrack.self"));
}

TEST_CASE("a collector that is in the leaf already makes its group beside it") {
  FakeCgroups fake("0::/mine.scope/memtrack.self\n");
  fake.add_v2("", "memory\n", "");
  fake.add_v2("mine.scope", "memory\n", "");
  fake.add_v2("mine.scope/memtrack.self", "memory\n", "50\n");
  const auto made = make_trial_cgroup("memtrack-1", fake.place(false));
  REQUIRE(reason_of(made) == "made");
  CHECK(std::get<TrialCgroup>(made).path() == fake.path("mine.scope/memtrack-1"));
}

TEST_CASE("somebody else's process in our group of v2 is not moved, and named with what helps") {
  FakeCgroups fake("0::/mine.scope\n");
  fake.add_v2("", "memory\n", "");
  fake.add_v2("mine.scope", "memory\n", "49\n50\n");
  fake.add_process(49, "bash");
  fake.add_process(50, "memtrack");
  const std::string reason = reason_of(make_trial_cgroup("memtrack-1", fake.place(false)));
  CHECK(holds(reason, "mine.scope holds a process that is not memtrack's: bash, pid 49"));
  CHECK(holds(reason, "systemd-run --user --scope -p Delegate=yes"));
  CHECK(fake.read("mine.scope/cgroup.procs") == "49\n50\n");
  CHECK_FALSE(fake.has("mine.scope/memtrack.self"));
}

TEST_CASE("root goes to the top, leaves its own group undivided, and leaves nothing there") {
  FakeCgroups fake("0::/memtrackd.service\n");
  fake.add_v2("", "cpu memory\n", "");
  fake.add_v2("memtrackd.service", "memory\n", "50\n");
  fake.add_process(50, "memtrackd");
  {
    const auto first = make_trial_cgroup("memtrack-1", fake.place(true));
    REQUIRE(reason_of(first) == "made");
    CHECK(std::get<TrialCgroup>(first).path() == fake.path("memtrack/memtrack-1"));
    {
      const auto second = make_trial_cgroup("memtrack-2", fake.place(true));
      REQUIRE(reason_of(second) == "made");
    }
    CHECK(fake.has("memtrack/memtrack-1"));
    CHECK_FALSE(fake.has("memtrack/memtrack-2"));
  }
  CHECK_FALSE(fake.has("memtrack"));
  CHECK(fake.read("memtrackd.service/cgroup.procs") == "50\n");
  CHECK(fake.read("memtrackd.service/cgroup.subtree_control").empty());
}

TEST_CASE("root whose top is not to be divided goes to its own group") {
  FakeCgroups fake("0::/mine.scope\n");
  fake.add_v2("", "cpu memory\n", "");
  fake.add_v2("mine.scope", "memory\n", "");
  fake.forbidden = ".";
  const auto made = make_trial_cgroup("memtrack-1", fake.place(true));
  REQUIRE(reason_of(made) == "made");
  CHECK(std::get<TrialCgroup>(made).path() == fake.path("mine.scope/memtrack-1"));
}

TEST_CASE("where our group is the root of v2 itself the trial's is not made among those at the top") {
  FakeCgroups fake("0::/\n");
  fake.add_v2("", "cpu memory\n", "1\n2\n");
  const auto made = make_trial_cgroup("memtrack-1", fake.place(true));
  REQUIRE(reason_of(made) == "made");
  CHECK(std::get<TrialCgroup>(made).path() == fake.path("memtrack/memtrack-1"));
  CHECK(holds(reason_of(make_trial_cgroup("memtrack-2", fake.place(false))), "only root can make others"));
}

TEST_CASE("a group without the memory controller is none, and is not left behind") {
  FakeCgroups fake("0::/mine.scope\n");
  fake.add_v2("", "memory\n", "");
  fake.add_v2("mine.scope", "pids\n", "");
  const std::string reason = reason_of(make_trial_cgroup("memtrack-1", fake.place(false)));
  CHECK(holds(reason, "memory is not among the controllers of " + fake.path("mine.scope").string()));
  CHECK_FALSE(fake.has("mine.scope/memtrack-1"));
}

TEST_CASE("without a memory controller in force the reason says so") {
  FakeCgroups fake("1:name=systemd:/\n0::/\n");
  fake.write("cgroup.controllers", "cpu pids\n");
  CHECK(holds(reason_of(make_trial_cgroup("memtrack-1", fake.place(true))), "no cgroup memory controller in force"));
}

TEST_CASE("a group that a dead collector left behind is emptied and made anew") {
  FakeCgroups fake("0::/mine.scope\n");
  fake.add_v2("", "memory\n", "");
  fake.add_v2("mine.scope", "memory\n", "");
  {
    CgroupPlace place = fake.place(false);
    place.remove_folder = [](const char*) { return 0; };  // as if it had been killed before
    CHECK(reason_of(make_trial_cgroup("memtrack-1", place)) == "made");
  }
  fake.write("mine.scope/memtrack-1/cgroup.procs", "4000000\n");
  fake.write("mine.scope/memtrack-1/memory.peak", "77\n");
  const auto made = make_trial_cgroup("memtrack-1", fake.place(false));
  REQUIRE(reason_of(made) == "made");
  CHECK(std::get<TrialCgroup>(made).peak_bytes() == 0);
}

TEST_CASE("the group of a living collector is left to it") {
  FakeCgroups fake("0::/mine.scope\n");
  fake.add_v2("", "memory\n", "");
  fake.add_v2("mine.scope", "memory\n", "");
  const auto made = make_trial_cgroup("memtrack-1", fake.place(false));
  REQUIRE(reason_of(made) == "made");
  fake.write("mine.scope/memtrack-1/cgroup.procs", "4000000\n");
  const std::string reason = reason_of(make_trial_cgroup("memtrack-1", fake.place(false)));
  CHECK(holds(reason,
              "cannot take over the cgroup of a living collector, " + fake.path("mine.scope/memtrack-1").string()));
  CHECK(fake.read("mine.scope/memtrack-1/cgroup.procs") == "4000000\n");
}

TEST_CASE("without memory.peak the peak is unknown") {
  FakeCgroups fake("0::/mine.scope\n");
  fake.add_v2("", "memory\n", "");
  fake.add_v2("mine.scope", "memory\n", "");
  const auto made = make_trial_cgroup("memtrack-1", fake.place(false));
  REQUIRE(reason_of(made) == "made");
  std::filesystem::remove(fake.path("mine.scope/memtrack-1/memory.peak"));
  CHECK(std::get<TrialCgroup>(made).peak_bytes() == std::nullopt);
}

TEST_CASE("a group that no process can join is none, and is not left behind") {
  FakeCgroups fake(kV1);
  fake.write("memory/work/shift/cgroup.procs", "1\n");
  CgroupPlace place = fake.place(false);
  place.try_to_join = [](int) { return EACCES; };
  CHECK(holds(reason_of(make_trial_cgroup("memtrack-1", place)), "memtrack-1: Permission denied"));
  CHECK_FALSE(fake.has("memory/work/shift/memtrack-1"));
}

TEST_CASE("whether root can join is looked at by the check alone") {
  FakeCgroups fake(kV1);
  fake.write("memory/work/shift/cgroup.procs", "1\n");
  CgroupPlace place = fake.place(true);
  place.try_to_join = [](int) { return EINVAL; };
  CHECK(reason_of(make_trial_cgroup("memtrack-1", place)) == "made");
  CHECK(holds(check_cgroups(place).value_or(NoCgroup{"there is one"}).reason, "Invalid argument"));
}

TEST_CASE("a limit that the kernel refuses is one sentence with the limit and the file") {
  FakeCgroups fake(kV1);
  fake.write("memory/work/shift/cgroup.procs", "1\n");
  CgroupPlace place = fake.place(false);
  place.write_file = [](const std::filesystem::path&, std::string_view) { return EBUSY; };
  const auto made = make_trial_cgroup("memtrack-1", place);
  REQUIRE(reason_of(made) == "made");
  try {
    std::get<TrialCgroup>(made).set_limit(4096);
    FAIL("limited");
  } catch (const std::runtime_error& error) {
    CHECK(holds(error.what(), "4096 bytes"));
    CHECK(holds(error.what(), "memory.limit_in_bytes: Device or resource busy"));
  }
}

TEST_CASE("a limit is refused with what helps where there is swap that cannot be limited") {
  constexpr const char* kHeading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
  FakeCgroups fake(kV1);
  fake.write("memory/work/shift/cgroup.procs", "1\n");
  const auto make_without_swap_limit = [](const char* name, mode_t mode) {
    const int made = FakeCgroups::make_folder(name, mode);
    std::filesystem::remove(std::filesystem::path(name) / "memory.memsw.limit_in_bytes");
    return made;
  };
  CgroupPlace place = fake.place(false);
  place.make_folder = make_without_swap_limit;
  fake.proc().write("swaps", kHeading);
  CHECK_FALSE(check_cgroups(place));
  fake.proc().write("swaps", std::string(kHeading) + "/swapfile file\t\t1048572\t0\t-2\n");
  const auto none = check_cgroups(place);
  REQUIRE(none);
  CHECK(none->lacks_only_limit);
  CHECK(holds(none->reason, "memory.memsw.limit_in_bytes is not there"));
  CHECK(holds(none->reason, "swapoff -a"));
  CHECK_FALSE(check_cgroups(fake.place(false)));  // with the file
}

TEST_CASE("in a group of this machine processes join, are listed at once, and die together") {
  if (const auto none = check_cgroups()) {
    MESSAGE("not tried: " << none->reason);
    return;
  }
  std::filesystem::path path;
  {
    const auto made = make_trial_cgroup("memtrack-test-" + std::to_string(getpid()));
    REQUIRE(reason_of(made) == "made");
    const auto& cgroup = std::get<TrialCgroup>(made);
    path = cgroup.path();
    CHECK(cgroup.processes().empty());
    std::vector<pid_t> children;
    for (int i = 0; i < 3; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        if (write(cgroup.join_descriptor(), "0", 1) == 1) {
          raise(SIGSTOP);
        }
        _exit(0);
      }
      children.push_back(child);
      REQUIRE(waitpid(child, nullptr, WUNTRACED) == child);
      std::vector<pid_t> listed = cgroup.processes();
      std::sort(listed.begin(), listed.end());
      std::vector<pid_t> expected = children;
      std::sort(expected.begin(), expected.end());
      CHECK(listed == expected);
    }
    CHECK(cgroup.current_bytes().value_or(0) > 0);
    CHECK(cgroup.oom_kills() == 0);
    CHECK(cgroup.kill_all());
    for (const pid_t child : children) {
      int status = 0;
      REQUIRE(waitpid(child, &status, 0) == child);
      CHECK(WIFSIGNALED(status));
    }
    CHECK(cgroup.processes().empty());
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a group with processes in groups below is emptied and removed with them") {
  if (const auto none = check_cgroups()) {
    MESSAGE("not tried: " << none->reason);
    return;
  }
  std::filesystem::path path;
  pid_t child = 0;
  {
    const auto made = make_trial_cgroup("memtrack-test-" + std::to_string(getpid()));
    REQUIRE(reason_of(made) == "made");
    path = std::get<TrialCgroup>(made).path();
    REQUIRE(mkdir((path / "below").c_str(), 0755) == 0);
    child = fork();
    if (child == 0) {
      write_cgroup_file(path / "below/cgroup.procs", "0");
      raise(SIGSTOP);
      _exit(0);
    }
    REQUIRE(waitpid(child, nullptr, WUNTRACED) == child);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK_FALSE(std::filesystem::exists(path));
}
