#include "collector/proc_reader.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "collector/host.h"
#include "tests/collector/fake_proc.h"

using namespace memtrack;
using memtrack::testing::FakeProc;

TEST_CASE("the reader takes its root folder") {
  const FakeProc proc;
  proc.write("meminfo", "MemTotal: 2048 kB\nMemFree: 1024 kB\n");
  proc.write("zoneinfo", "  pagesets\n    cpu: 0\n      count:    3\n");
  proc.add(7, 1, "8 9 ");
  ProcReader reader(proc.path());
  Sample sample;
  reader.read_system(sample);
  CHECK(sample.mem_total_bytes == 2048 * 1024);
  CHECK(sample.mem_free_bytes == 1024 * 1024);
  CHECK_FALSE(sample.cached_bytes);
  CHECK(reader.read_per_cpu_free_bytes() == 3 * sysconf(_SC_PAGESIZE));
  CHECK(reader.list_processes() == std::vector<pid_t>{7});
  CHECK(reader.list_threads(7) == std::vector<pid_t>{7});
  REQUIRE(reader.read_stat(7));
  CHECK(reader.read_stat(7)->parent_pid == 1);
}

TEST_CASE("a file that is not there leaves its figures unread") {
  const FakeProc proc;
  ProcReader reader(proc.path());
  Sample sample;
  reader.read_system(sample);
  CHECK_FALSE(sample.mem_total_bytes);
  CHECK_FALSE(reader.read_per_cpu_free_bytes());
  CHECK_FALSE(reader.read_stat(7));
  CHECK_FALSE(reader.read_memory(7));
  CHECK(reader.list_processes().empty());
  CHECK(reader.list_threads(7).empty());
}

TEST_CASE("a held file is read anew each time, and longer than any buffer") {
  const FakeProc proc;
  ProcReader reader(proc.path());
  proc.write("7/stat", "first");
  HeldFile file = reader.process_file(7, "stat");
  CHECK(reader.read(file) == "first");
  const std::string text(100'000, 'x');
  std::ofstream(proc.path() / "7/stat") << text;
  CHECK(reader.read(file) == text);
}

TEST_CASE("the reader reads this machine") {
  ProcReader reader;
  Sample sample;
  reader.read_system(sample);
  CHECK(sample.mem_total_bytes > 0);
  CHECK(sample.mem_available_bytes > 0);
  const auto stat = reader.read_stat(getpid());
  REQUIRE(stat);
  CHECK(stat->parent_pid == getppid());
  const auto memory = reader.read_memory(getpid());
  REQUIRE(memory);
  CHECK(memory->peak_rss_bytes >= memory->rss_bytes);
  const auto processes = reader.list_processes();
  CHECK(std::find(processes.begin(), processes.end(), getpid()) != processes.end());
}

TEST_CASE("where descriptors are short, they are given back after each read") {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit low{.rlim_cur = 70, .rlim_max = limit.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  {
    ProcReader reader;
    std::vector<HeldFile> files;
    for (int i = 0; i < 300; ++i) {
      files.push_back(reader.process_file(getpid(), "stat"));
      REQUIRE(reader.read(files.back()));
    }
    CHECK(reader.read(files.front()));
  }
  setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_CASE("the host is told by what it says of itself") {
  const FakeProc proc;
  proc.write("sys/kernel/random/boot_id", "e8904942-5782-434b-97c1-8ec21d973785\n");
  proc.write("cpuinfo", "model name\t: Some CPU\n");
  proc.write("meminfo", "MemTotal: 1 kB\n");
  proc.write("self/cgroup", "0::/x\n");
  proc.write("cgroup/cgroup.controllers", "cpu memory\n");
  ProcReader reader(proc.path());
  const HostRecord host = read_host(reader, proc.path() / "cgroup");
  CHECK_FALSE(host.name.empty());
  CHECK(host.boot_id == "e8904942-5782-434b-97c1-8ec21d973785");
  CHECK(host.cpu_model == "Some CPU");
  CHECK(host.mem_total_bytes == 1024);
  CHECK(host.cgroup_version == 2);
  CHECK(host.cores > 0);
  const HostRecord bare = read_host(reader, proc.path() / "nowhere");
  CHECK_FALSE(bare.cgroup_version);
}
