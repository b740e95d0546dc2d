// A trial that cannot be started, since something is short, is started later.

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "storage/shortage.h"
#include "tests/collector/collected_trial.h"
#include "tests/small_disk.h"

using namespace memtrack;
using namespace memtrack::testing;
namespace fs = std::filesystem;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool kEndsWithALeakSearch = true;
#else
constexpr bool kEndsWithALeakSearch = false;
#endif

void check_that_it_has_not_begun(CollectedTrial& trial) {
  CHECK(trial.state() == "running");  // as it was when it was claimed
  CHECK(trial.sql("SELECT started_ns FROM trials") == "NULL");
  CHECK(trial.sql("SELECT count(*) FROM samples") == "0");
  CHECK_FALSE(is_lock_held(trial.lock_path()));
  CHECK_FALSE(fs::exists(trial.event_socket()));
}

// A user of whom nothing else runs: root is not held to a number of processes.
uid_t lonely_user() {
  return geteuid() == 0 ? 1'000'000 + static_cast<uid_t>(getpid()) : geteuid();
}

void give_to(uid_t user, const fs::path& folder) {
  CHECK(chown(folder.c_str(), user, static_cast<gid_t>(-1)) == 0);
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    CHECK(lchown(entry.path().c_str(), user, static_cast<gid_t>(-1)) == 0);
  }
}

}  // namespace

TEST_CASE("a trial that is to start on a full disk has not begun, and is run when there is room") {
  const auto disk = SmallDisk::make("16m");
  if (!disk) {
    MESSAGE("mounting is not allowed here: not tested");
    return;
  }
  CollectedTrial trial({"cat", "${args_json_file}"}, {.parameters = R"({"epochs": 3})"});
  disk->fill();
  CHECK(trial.run() == kShortageExitCode);
  check_that_it_has_not_begun(trial);
  disk->make_room();
  CHECK(trial.run() == 0);
  CHECK(trial.state() == "done");
}

TEST_CASE("a trial that is to start when no process can be made has not begun, and is run when one can") {
  if (kEndsWithALeakSearch) {
    MESSAGE("the search for leaks takes a thread of its own at the end: not tested");
    return;
  }
  for (const rlim_t processes : {1U, 2U}) {  // no second thread; no command
    bool is_short = true;
    const uid_t user = lonely_user();
    CollectedTrial trial({"true"}, {.before_exec = [&] {
                           const rlimit limit{.rlim_cur = processes, .rlim_max = processes};
                           if (is_short && (setuid(user) != 0 || setrlimit(RLIMIT_NPROC, &limit) != 0)) {
                             _exit(99);
                           }
                         }});
    give_to(user, trial.path(""));
    const int code = trial.run();
    give_to(geteuid(), trial.path(""));
    if (code == 99) {
      MESSAGE("another user cannot start our programs here: not tested");
      return;
    }
    CHECK(code == kShortageExitCode);
    check_that_it_has_not_begun(trial);
    CHECK(read_file(trial.path("collector.errors")).find("Resource temporarily unavailable") != std::string::npos);
    is_short = false;
    CHECK(trial.run() == 0);
    CHECK(trial.state() == "done");
  }
}
