#include "storage/trial_lock.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "tests/temporary_directory.h"

using memtrack::TrialLock;
using memtrack::testing::TemporaryDirectory;

TEST_CASE("a lock has one holder, and is free when the holder lets go") {
  TemporaryDirectory folder;
  const auto path = folder / "a.lock";
  CHECK_FALSE(memtrack::is_lock_held(path));
  {
    const auto lock = TrialLock::try_acquire(path);
    REQUIRE(lock);
    CHECK(memtrack::is_lock_held(path));
    CHECK_FALSE(TrialLock::try_acquire(path));
  }
  CHECK_FALSE(memtrack::is_lock_held(path));
}

TEST_CASE("a lock that is handed to a child lives as long as the child, also when it is killed") {
  TemporaryDirectory folder;
  const auto path = folder / "a.lock";
  auto lock = TrialLock::try_acquire(path);
  REQUIRE(lock);
  int ready[2];
  REQUIRE(pipe2(ready, O_CLOEXEC) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    lock->write_owner();
    const char byte = 'x';
    if (write(ready[1], &byte, 1) != 1) {
      _exit(1);
    }
    for (;;) {
      pause();
    }
  }
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  lock.reset();  // the starter's own copy
  CHECK(memtrack::is_lock_held(path));
  CHECK(memtrack::read_lock_owner(path)->pid == child);

  const auto holder = memtrack::open_lock_holder(path);
  REQUIRE(holder);
  kill(child, SIGKILL);
  pollfd gone{.fd = *holder, .events = POLLIN, .revents = 0};
  CHECK(poll(&gone, 1, 30'000) == 1);
  waitpid(child, nullptr, 0);
  CHECK_FALSE(memtrack::is_lock_held(path));
  CHECK_FALSE(memtrack::open_lock_holder(path));
  close(*holder);
  close(ready[0]);
  close(ready[1]);
}

TEST_CASE("a holder removes its own lock file and none that has taken its place") {
  TemporaryDirectory folder;
  const auto path = folder / "trial.lock";
  const auto lock = TrialLock::try_acquire(path);
  REQUIRE(lock);
  std::filesystem::rename(path, folder / "moved");
  std::ofstream(path) << "another's";
  lock->remove_file(path);
  CHECK(std::filesystem::exists(path));
  lock->remove_file(folder / "moved");
  CHECK_FALSE(std::filesystem::exists(folder / "moved"));
}

TEST_CASE("a pid in a lock file proves nothing while nobody holds the lock") {
  TemporaryDirectory folder;
  const auto path = folder / "a.lock";
  std::ofstream(path) << getpid() << " 1\n";
  CHECK_FALSE(memtrack::open_lock_holder(path));
}

TEST_CASE("a holder with another start time is a reused pid") {
  TemporaryDirectory folder;
  const auto path = folder / "a.lock";
  const auto lock = TrialLock::try_acquire(path);
  REQUIRE(lock);
  std::ofstream(path) << getpid() << " 1\n";
  CHECK_FALSE(memtrack::open_lock_holder(path));
  lock->write_owner();
  const auto holder = memtrack::open_lock_holder(path);
  REQUIRE(holder);
  close(*holder);
}

TEST_CASE("an adopted lock is close-on-exec, and a wrong descriptor is refused") {
  TemporaryDirectory folder;
  const auto lock = TrialLock::try_acquire(folder / "a.lock");
  REQUIRE(lock);
  const TrialLock adopted = TrialLock::adopt(dup(lock->descriptor()));
  CHECK((fcntl(adopted.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK_THROWS(TrialLock::adopt(9999));
}
