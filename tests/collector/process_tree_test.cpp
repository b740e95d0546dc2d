#include "collector/process_tree.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/collector/fake_proc.h"
#include "tests/wait_until.h"

using namespace memtrack;
using memtrack::testing::FakeProc;
using memtrack::testing::wait_until;
using Clock = ProcessTree::Clock;

namespace {

constexpr pid_t kCollector = 50;
constexpr std::int64_t kKb = 1024;
constexpr std::int64_t kMiB = 1024 * 1024;

Sample read(ProcessTree& tree, Clock::time_point now = Clock::now()) {
  Sample sample;
  tree.read_into(sample, now);
  return sample;
}

// A footprint program as a child, ready when constructed; all that it left is killed at the end. The test is subreaper.
class Footprint {
 public:
  explicit Footprint(std::vector<std::string> steps) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    std::array<int, 2> input{};
    std::array<int, 2> output{};
    REQUIRE(pipe2(input.data(), O_CLOEXEC) == 0);
    REQUIRE(pipe2(output.data(), O_CLOEXEC) == 0);
    const std::string program = std::string(MEMTRACK_BUILD_DIR) + "/tests/collector/footprint";
    std::vector<const char*> argv = {program.c_str()};
    for (const std::string& step : steps) {
      argv.push_back(step.c_str());
    }
    argv.insert(argv.end(), {"ready", "wait", nullptr});
    pid_ = fork();
    if (pid_ == 0) {
      dup2(input[0], STDIN_FILENO);
      dup2(output[1], STDOUT_FILENO);
      execv(program.c_str(), const_cast<char* const*>(argv.data()));
      _exit(127);
    }
    close(input[0]);
    close(output[1]);
    input_ = input[1];
    std::array<char, 6> ready{};
    REQUIRE(::read(output[0], ready.data(), ready.size()) == 6);
    close(output[0]);
  }
  ~Footprint() {
    end();
    while (waitpid(-1, nullptr, WNOHANG) >= 0) {
      ProcReader reader;
      ProcessTree tree(reader, getpid());
      tree.refresh(Clock::now());
      for (const ProcessId& process : tree.living()) {
        kill(process.pid, SIGKILL);
      }
      std::this_thread::yield();
    }
  }
  Footprint(const Footprint&) = delete;
  Footprint& operator=(const Footprint&) = delete;

  pid_t pid() const { return pid_; }
  // Lets the program end by itself.
  void end() {
    if (input_ >= 0) {
      close(input_);
      input_ = -1;
    }
  }

 private:
  pid_t pid_ = 0;
  int input_ = -1;
};

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("pss and uss are of the whole tree or of none") {
  const FakeProc proc;
  proc.add(kCollector, 1, "60 61 ");
  proc.add(60, kCollector, "");
  proc.add(61, kCollector, "");
  proc.add_smaps(60, 70);
  proc.add_smaps(61, 80);
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  PssBudget budget;
  Sample sample = read(tree);
  CHECK(tree.read_pss_into(sample, budget));
  CHECK(sample.tree_pss_bytes == 150 * kKb);
  CHECK(sample.tree_pss_anon_bytes == 150 * kKb);
  CHECK(sample.tree_pss_file_bytes == 0);
  CHECK(sample.tree_uss_bytes == 150 * kKb);

  SUBCASE("one that must not be read: none") {
    std::filesystem::remove(proc.path() / "61/smaps_rollup");
    proc.write("61/smaps_rollup/in-the-way", "");  // a folder cannot be read: EISDIR, as EACCES would be
    Sample next = read(tree);
    CHECK(tree.read_pss_into(next, budget));
    CHECK(next.tree_pss_bytes == std::nullopt);
    CHECK(next.tree_uss_bytes == std::nullopt);
  }
  SUBCASE("one that has ended since the tree was read: it holds nothing any more") {
    Sample next = read(tree);
    proc.remove(61);
    CHECK(tree.read_pss_into(next, budget));
    CHECK(next.tree_pss_bytes == 70 * kKb);
  }
}

TEST_CASE("where one process is too large to be walked through quickly, nobody's pss is read") {
  const FakeProc proc;
  proc.add(kCollector, 1, "60 61 ");
  proc.add(60, kCollector, "");
  proc.add(61, kCollector, "", {.rss_kb = 2 << 20});
  proc.add_smaps(60, 70);
  proc.add_smaps(61, 80);
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  PssBudget budget;
  Sample sample = read(tree);
  CHECK_FALSE(tree.read_pss_into(sample, budget));
  CHECK(sample.tree_pss_bytes == std::nullopt);
}

TEST_CASE("a process has a row at its first reading and when rows are due") {
  const FakeProc proc;
  proc.add(kCollector, 1, "60 ");
  proc.add(60, kCollector, "", {.name = "sh", .rss_kb = 100});
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  Sample sample;
  const auto rows_at = [&](std::int64_t time_ns, bool of_all) {
    sample = {};
    sample.time_ns = time_ns;
    tree.read_into(sample, Clock::now());
    return tree.take_rows(of_all);
  };
  const auto first = rows_at(1, false);
  REQUIRE(first.size() == 1);
  CHECK(first[0].time_ns == 1);
  CHECK(first[0].pid == 60);
  CHECK(first[0].parent_pid == kCollector);
  CHECK(first[0].name == "sh");
  CHECK(first[0].rss_bytes == 100 * kKb);
  CHECK(first[0].peak_rss_bytes == 150 * kKb);
  CHECK(first[0].pss_bytes == std::nullopt);
  CHECK(rows_at(2, false).empty());
  CHECK(rows_at(3, true).size() == 1);
}

TEST_CASE("a real process that is gone leaves its last reading as a row") {
  ProcReader reader;
  ProcessTree tree(reader, getpid());
  Sample sample;
  sample.time_ns = 1;
  {
    Footprint footprint({"private=20"});
    tree.read_into(sample, Clock::now());
    tree.take_rows(false);
    sample.time_ns = 2;
    tree.read_into(sample, Clock::now());
    CHECK(tree.take_rows(false).empty());
  }
  sample.time_ns = 3;
  tree.read_into(sample, Clock::now());
  const auto rows = tree.take_rows(false);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].time_ns == 2);
  CHECK(rows[0].name == "footprint");
  CHECK(rows[0].rss_bytes.value_or(0) >= 20 * kMiB);
}

TEST_CASE("the last reading of a zombie becomes a row, also where it was not due") {
  const FakeProc proc;
  proc.add(kCollector, 1, "60 ");
  proc.add(60, kCollector, "", {.rss_kb = 100});
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  Sample sample;
  for (const std::int64_t time_ns : {1, 2, 3}) {
    sample.time_ns = time_ns;
    tree.read_into(sample, Clock::now());
    CHECK(tree.take_rows(false).size() == (time_ns == 1 ? 1 : 0));
  }
  const std::string stat = text_of(proc.path() / "60/stat");
  std::ofstream(proc.path() / "60/stat") << std::string(stat).replace(stat.find(" S "), 3, " Z ");  // the same file
  sample.time_ns = 4;
  tree.read_into(sample, Clock::now());
  const auto rows = tree.take_rows(false);
  REQUIRE(rows.size() >= 1);
  CHECK(rows[0].time_ns == 3);
  CHECK(rows[0].process == 1);
  CHECK(rows[0].rss_bytes == 100 * kKb);
  CHECK(std::count_if(rows.begin(), rows.end(), [](const ProcessReading& row) { return row.process == 1; }) == 1);
}

TEST_CASE("an exec makes a new number in the rows, since the name is another") {
  const FakeProc proc;
  proc.add(kCollector, 1, "60 ");
  proc.add(60, kCollector, "", {.name = "sh"});
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  read(tree);
  CHECK(tree.take_rows(false).at(0).process == 1);
  const std::string stat = text_of(proc.path() / "60/stat");
  std::ofstream(proc.path() / "60/stat") << std::string(stat).replace(stat.find("sh"), 2, "python3");  // the same file
  read(tree);
  const auto rows = tree.take_rows(false);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].process == 2);
  CHECK(rows[0].name == "python3");
}

TEST_CASE("the tree is all that descends from the collector, the collector left out") {
  const FakeProc proc;
  proc.add(kCollector, 1, "60 61 ");
  proc.add(60, kCollector, "62 ");
  proc.add(61, kCollector, "", {.rss_kb = 300});
  proc.add(62, 60, "", {.user_ticks = 20, .threads = 3});
  proc.add(99, 1, "");
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  const Sample sample = read(tree);
  CHECK(sample.process_count == 3);
  CHECK(sample.thread_count == 5);
  CHECK(sample.tree_rss_bytes == 500 * kKb);
  CHECK(sample.tree_rss_anon_bytes == 500 * kKb);
  CHECK(sample.tree_rss_file_bytes == 0);
  CHECK(sample.tree_swap_bytes == 3 * kKb);
  CHECK(sample.tree_major_faults == 3);
  CHECK(sample.cpu_ns == (10 + 10 + 20 + 3 * 5) * (1'000'000'000 / sysconf(_SC_CLK_TCK)));
  CHECK(tree.high_water().processes_seen == 3);
  CHECK(tree.high_water().sum_bytes == 450 * kKb);
  CHECK(tree.high_water().largest_bytes == 150 * kKb);
}

TEST_CASE("children of every thread are found, also of threads that come later") {
  const FakeProc proc;
  proc.add(kCollector, 1, "60 ");
  proc.add(60, kCollector, "", {.threads = 2});
  proc.write("60/task/65/children", "70 ");
  proc.add(70, 60, "");
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  CHECK(read(tree).process_count == 2);
  proc.add(60, kCollector, "", {.threads = 3});
  proc.write("60/task/66/children", "71 ");
  proc.add(71, 60, "");
  ProcessTree anew(reader, kCollector);
  CHECK(read(anew).process_count == 3);
}

TEST_CASE("a process that no list of children names is found by a look at all processes") {
  const FakeProc proc;
  proc.add(kCollector, 1, "60 ");
  proc.add(60, kCollector, "");
  proc.add(61, 60, "");  // left out above
  proc.add(62, 61, "");
  proc.add(99, 1, "");
  proc.add(98, 99, "");
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  CHECK(read(tree).process_count == 1);
  CHECK(read(tree, Clock::now() + std::chrono::hours(1)).process_count == 3);
}

TEST_CASE("a kernel without lists of children is read by the parents that all processes name") {
  const FakeProc proc;
  for (const auto& [pid, parent] : {std::pair{kCollector, 1}, {60, kCollector}, {61, 60}, {99, 1}}) {
    proc.add(pid, parent, "");
    std::filesystem::remove(proc.path() / std::to_string(pid) / "task" / std::to_string(pid) / "children");
  }
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  CHECK(read(tree).process_count == 2);
  CHECK(read(tree).process_count == 2);
}

TEST_CASE("once seen, a process stays until it is gone, whoever its parent is") {
  const FakeProc proc;
  proc.add(kCollector, 1, "60 ");
  proc.add(60, kCollector, "61 ");
  proc.add(61, 60, "");
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  CHECK(read(tree).process_count == 2);
  proc.write("60/task/60/children", "");
  proc.write("61/stat", "61 (worker) S 1 1 1 0 -1 0 5 0 1 0 10 5 0 0 20 0 1 0 1000 4096 25 0\n");
  ProcessTree fresh(reader, kCollector);
  CHECK(read(fresh).process_count == 1);
  CHECK(read(tree).process_count == 2);
}

TEST_CASE("a pid that is used again by a stranger is not the process that had it") {
  FakeProc proc;
  proc.add(kCollector, 1, "60 61 ");
  proc.add(60, kCollector, "");
  proc.add(61, kCollector, "");
  // Without held descriptors: as in a tree that is larger than there are descriptors.
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  CHECK(read(tree).process_count == 2);
  std::ofstream(proc.path() / "61/stat") << "61 (other) S 1 1 1 0 -1 0 5 0 1 0 10 5 0 0 20 0 1 0 2000 4096 25 0\n";
  proc.write("50/task/50/children", "60 ");
  std::ofstream(proc.path() / "50/task/50/children") << "60 ";
  ProcessTree fresh(reader, kCollector);
  CHECK(read(tree).process_count == 1);
  CHECK(read(fresh).process_count == 1);
}

TEST_CASE("a zombie has no memory but still its CPU time") {
  const FakeProc proc;
  proc.add(kCollector, 1, "60 ");
  proc.add(60, kCollector, "", {.state = 'Z', .user_ticks = 100});
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  const Sample sample = read(tree);
  CHECK(sample.process_count == 0);
  CHECK_FALSE(sample.tree_rss_bytes);
  CHECK_FALSE(sample.tree_swap_bytes);
  CHECK(sample.cpu_ns == 105 * (1'000'000'000 / sysconf(_SC_CLK_TCK)));
}

TEST_CASE("a part that one process does not say is unknown for the tree") {
  const FakeProc proc;
  proc.add(kCollector, 1, "60 61 ");
  proc.add(60, kCollector, "");
  proc.add(61, kCollector, "");
  proc.write("61/status", "Name:\tx\nVmRSS:\t7 kB\nThreads:\t1\n");
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  const Sample sample = read(tree);
  CHECK(sample.tree_rss_bytes == 107 * kKb);
  CHECK_FALSE(sample.tree_rss_anon_bytes);
  CHECK_FALSE(sample.tree_swap_bytes);
}

TEST_CASE("CPU time of processes that ended is kept and never falls") {
  const FakeProc proc;
  const std::int64_t tick_ns = 1'000'000'000 / sysconf(_SC_CLK_TCK);
  proc.add(kCollector, 1, "60 61 ");
  proc.add(60, kCollector, "", {.user_ticks = 95});
  proc.add(61, kCollector, "", {.user_ticks = 195});
  ProcReader reader(proc.path());
  ProcessTree tree(reader, kCollector);
  CHECK(read(tree).cpu_ns == 300 * tick_ns);
  proc.remove(61);
  std::ofstream(proc.path() / "50/task/50/children") << "60 ";
  rusage usage{};
  usage.ru_utime.tv_sec = 195 * tick_ns / 1'000'000'000;
  usage.ru_utime.tv_usec = 195 * tick_ns % 1'000'000'000 / 1000;
  usage.ru_stime.tv_usec = 5 * tick_ns / 1000;
  tree.add_reaped(61, usage);
  const Sample after = read(tree);
  CHECK(after.cpu_ns == 300 * tick_ns);
  CHECK(after.process_count == 1);
  CHECK(tree.high_water().processes_seen == 2);
  CHECK(tree.high_water().sum_bytes == 300 * kKb);
}

TEST_CASE("the tree of an attached process holds itself and leaves out who watches it") {
  const FakeProc proc;
  proc.add(40, 1, "60 ");  // its parent is none of it
  proc.add(60, 40, "61 62 ", {.start_ticks = 7, .rss_kb = 300});
  proc.add(61, 60, "63 ");
  proc.add(62, 60, "64 ");  // memtrack
  proc.add(64, 62, "65 ");  // its collector
  proc.add(65, 64, "");
  proc.add(63, 61, "");
  ProcReader reader(proc.path());
  ProcessTree tree(reader, TreeRoot::attached({.pid = 60, .start_ticks = 7}, {62, 64}));
  CHECK(read(tree).process_count == 3);
  const Sample whole = read(tree, Clock::now() + std::chrono::hours(1));  // with a look at every process
  CHECK(whole.process_count == 3);
  CHECK(whole.tree_rss_bytes == 500 * kKb);
}

TEST_CASE("a kernel without lists of children shows the tree of an attached process all the same") {
  const FakeProc proc;
  for (const auto& [pid, parent] : {std::pair{60, 1}, {61, 60}, {62, 61}, {99, 1}}) {
    proc.add(pid, parent, "", {.start_ticks = 7});
    std::filesystem::remove(proc.path() / std::to_string(pid) / "task" / std::to_string(pid) / "children");
  }
  ProcReader reader(proc.path());
  ProcessTree tree(reader, TreeRoot::attached({.pid = 60, .start_ticks = 7}, {}));
  CHECK(read(tree).process_count == 3);
}

TEST_CASE("an attached process that is gone leaves what it started, and its pid's next owner is none of the tree") {
  const FakeProc proc;
  proc.add(60, 1, "61 ", {.user_ticks = 100, .start_ticks = 7});
  proc.add(61, 60, "");
  ProcReader reader(proc.path());
  ProcessTree tree(reader, TreeRoot::attached({.pid = 60, .start_ticks = 7}, {}));
  const Reading cpu_ns = read(tree).cpu_ns;
  // In place: a descriptor of the old file would stay with the old process.
  std::ofstream(proc.path() / "60/stat") << "60 (other) S 1 1 1 0 -1 0 5 0 1 0 10 5 0 0 20 0 1 0 8 4096 25 0\n";
  std::ofstream(proc.path() / "60/task/60/children") << "70 ";
  std::ofstream(proc.path() / "61/stat") << "61 (worker) S 1 1 1 0 -1 0 5 0 1 0 10 5 0 0 20 0 1 0 1000 4096 25 0\n";
  proc.add(70, 60, "");
  const Sample after = read(tree, Clock::now() + std::chrono::hours(1));
  CHECK(after.process_count == 1);
  CHECK(after.cpu_ns == cpu_ns);  // nobody of the tree has what it used in his count
  ProcessTree too_late(reader, TreeRoot::attached({.pid = 60, .start_ticks = 7}, {}));
  CHECK(read(too_late).process_count == 0);
}

TEST_CASE("200 MiB of private memory are measured to 2%") {
  const Footprint program({"private=200"});
  ProcReader reader;
  ProcessTree tree(reader, getpid());
  const Sample sample = read(tree);
  CHECK(sample.process_count == 1);
  CHECK(static_cast<double>(*sample.tree_rss_anon_bytes) == doctest::Approx(200.0 * kMiB).epsilon(0.02));
  CHECK(static_cast<double>(*sample.tree_rss_bytes) == doctest::Approx(203.0 * kMiB).epsilon(0.02));
}

TEST_CASE("a grandchild that double-forked into a session of its own is found, also from its first reading") {
  const Footprint program({"orphan=100", "private=50"});
  ProcReader reader;
  ProcessTree tree(reader, getpid());
  REQUIRE(wait_until([&] { return read(tree).tree_rss_anon_bytes.value_or(0) > 149 * kMiB; }));
  const Sample sample = read(tree);
  CHECK(sample.process_count == 2);
  CHECK(static_cast<double>(*sample.tree_rss_anon_bytes) == doctest::Approx(150.0 * kMiB).epsilon(0.02));
}

TEST_CASE("a child of another thread than the first is found") {
  const Footprint program({"threads=3", "thread-child=20"});
  ProcReader reader;
  ProcessTree tree(reader, getpid());
  CHECK(wait_until([&] { return read(tree).process_count == 2; }));
  CHECK(read(tree).thread_count == 6);
}

TEST_CASE("CPU time of a child that the command waited for is in the tree's") {
  const Footprint program({"child-spin=200"});
  ProcReader reader;
  ProcessTree tree(reader, getpid());
  CHECK(read(tree).cpu_ns >= 190'000'000);
}

TEST_CASE("the high-water mark outlives the memory that it marks") {
  const Footprint program({"burst=120"});
  ProcReader reader;
  ProcessTree tree(reader, getpid());
  const Sample sample = read(tree);
  CHECK(*sample.tree_rss_bytes < 20 * kMiB);
  CHECK(static_cast<double>(*tree.high_water().largest_bytes) == doctest::Approx(121.5 * kMiB).epsilon(0.02));
}

TEST_CASE("a child between vfork and exec is not counted with its parent's memory") {
#ifdef __SANITIZE_THREAD__
  MESSAGE("ThreadSanitizer makes a fork of each vfork: not tested");
#else
  const Footprint unrelated({});
  std::array<int, 2> release{};
  REQUIRE(pipe2(release.data(), O_CLOEXEC) == 0);
  // This process is the child here: a subtree whose root is a helper that vforks and whose vfork child waits.
  const pid_t parent = fork();
  if (parent == 0) {
    std::vector<char> held(std::size_t{64} << 20, 1);
    const pid_t child = vfork();
    if (child == 0) {
      char byte = 0;
      [[maybe_unused]] const ssize_t count = ::read(release[0], &byte, 1);
      _exit(held[0] == 1 ? 0 : 1);
    }
    _exit(0);
  }
  ProcReader reader;
  ProcessTree tree(reader, parent);  // the vfork child alone
  ProcessTree whole(reader, getpid());
  REQUIRE(wait_until([&] { return read(tree).process_count == 1; }));
  const Sample sample = read(whole);
  CHECK(sample.process_count == 3);
  const auto parents_own = reader.read_memory(parent);
  REQUIRE(parents_own);
  CHECK(*sample.tree_rss_anon_bytes > 64 * kMiB);
  CHECK(*sample.tree_rss_anon_bytes < *parents_own->rss_anon_bytes * 3 / 2);
  REQUIRE(write(release[1], "x", 1) == 1);
  close(release[0]);
  close(release[1]);
#endif
}
