#include "tools/attach_target.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/temporary_directory.h"
#include "tools/exit_codes.h"

using namespace memtrack;
using memtrack::testing::TemporaryDirectory;

namespace {

constexpr Attacher kUser{.pid = 50, .uid = 1000};
constexpr Attacher kRoot{.pid = 50, .uid = 0};

std::string status(const std::string& state, int process, int uid, bool has_memory = true) {
  const std::string number = std::to_string(process);
  const std::string user = std::to_string(uid);
  return "Name:\ttrain\nState:\t" + state + "\nTgid:\t" + number + "\nPid:\t60\nUid:\t" + user + "\t" + user + "\t" +
         user + "\t" + user + "\n" + (has_memory ? "VmHWM:\t 90 kB\nVmRSS:\t 80 kB\n" : "") + "Threads:\t1\n";
}

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("a process of one's own can be measured, and any by root") {
  CHECK(attach_problem(60, status("S (sleeping)", 60, 1000), kUser).empty());
  CHECK(attach_problem(60, status("T (stopped)", 60, 1000), kUser).empty());
  CHECK(attach_problem(60, status("R (running)", 60, 1000), kRoot).empty());
}

TEST_CASE("why a process cannot be measured is one sentence") {
  CHECK(attach_problem(50, status("R (running)", 50, 1000), kUser) ==
        "process 50 is this memtrack itself, which measures others");
  CHECK(attach_problem(61, status("S (sleeping)", 60, 1000), kUser) ==
        "61 is a thread of process 60: measure that one, with 'memtrack attach 60'");
  CHECK(attach_problem(60, status("Z (zombie)", 60, 1000, false), kUser) ==
        "process 60 has ended (a zombie, until its parent takes note): nothing of it is left to measure");
  CHECK(attach_problem(60, status("S (sleeping)", 60, 0), kUser) ==
        "process 60 belongs to root, and its memory may not be read by others; run memtrack as root");
  CHECK(attach_problem(60, status("S (sleeping)", 60, 54321), kUser) ==
        "process 60 belongs to user 54321, and its memory may not be read by others; run memtrack as user 54321 or as "
        "root");
  CHECK(attach_problem(60, status("S (sleeping)", 60, 0, false), kRoot) ==
        "process 60 is one of the kernel's own, without memory of its own to measure");
}

TEST_CASE("what a process shows of itself is kept, odd words escaped") {
  const TemporaryDirectory proc;
  write(proc / "60/status", status("S (sleeping)", 60, 1000));
  write(proc / "60/stat", "60 (train) S 1 1 0 -1 0 5 0 1 0 10 5 0 0 0 20 0 1 0 777 4096 25 0\n");
  write(proc / "60/cmdline", std::string("python3\0train.py\0\0--name=\xff\0", 27));
  std::filesystem::create_directory_symlink("/srv/work", proc / "60/cwd");
  const AttachTarget target = find_attach_target(60, kUser, proc.path());
  CHECK(target.pid == 60);
  CHECK(target.start_ticks == 777);
  CHECK(target.name == "train");
  CHECK(target.command == std::vector<std::string>{"python3", "train.py", "", "--name=\\xff"});
  CHECK(target.cwd == "/srv/work");
  write(proc / "60/cmdline", "");  // it has overwritten its words
  CHECK(find_attach_target(60, kUser, proc.path()).command == std::vector<std::string>{"train"});
  CHECK_THROWS_WITH_AS(find_attach_target(61, kUser, proc.path()),
                       "there is no process 61, or none that may be seen; 'ps -e' lists them", UsageError);
}
