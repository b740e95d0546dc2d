#include "storage/paths.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>

#include "tests/temporary_directory.h"

using memtrack::testing::TemporaryDirectory;

namespace {

// Sets an environment variable for the length of a scope.
class ScopedEnvironment {
 public:
  ScopedEnvironment(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) {
      old_ = old;
    }
    setenv(name, value.c_str(), 1);
  }
  ~ScopedEnvironment() {
    if (old_) {
      setenv(name_, old_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

}  // namespace

TEST_CASE("the database is what --db says, else MEMTRACK_DB, else in the state folder") {
  ScopedEnvironment state("XDG_STATE_HOME", "/state");
  ScopedEnvironment named("MEMTRACK_DB", "");
  CHECK(memtrack::database_path("") == "/state/memtrack/memtrack.db");
  ScopedEnvironment other("MEMTRACK_DB", "/elsewhere/m.db");
  CHECK(memtrack::database_path("") == "/elsewhere/m.db");
  CHECK(memtrack::database_path("/flag/m.db") == "/flag/m.db");
  CHECK(memtrack::database_path("m.db").is_absolute());
}

TEST_CASE("the runtime folder is made for its user alone") {
  TemporaryDirectory folder;
  ScopedEnvironment runtime("XDG_RUNTIME_DIR", folder.path().string());
  const auto path = memtrack::runtime_directory();
  CHECK(path == folder / "memtrack");
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  SUBCASE("and refused when others may enter it") {
    REQUIRE(chmod(path.c_str(), 0755) == 0);
    CHECK_THROWS_WITH_AS(memtrack::runtime_directory(), doctest::Contains("mode 0700"), std::runtime_error);
  }
  SUBCASE("and refused when it is a link") {
    REQUIRE(rmdir(path.c_str()) == 0);
    REQUIRE(symlink("/tmp", path.c_str()) == 0);
    CHECK_THROWS_AS(memtrack::runtime_directory(), std::runtime_error);
  }
}

TEST_CASE("daemon and sessions of a user meet in the folder of the system's service where there is one") {
  TemporaryDirectory folder;
  const auto& run = folder.path();
  const std::string session = (run / "user/1000").string();
  using memtrack::choose_runtime_directory;
  CHECK(choose_runtime_directory(session, 1000, run) == run / "user/1000/memtrack");
  CHECK(choose_runtime_directory("", 1000, run) == "/tmp/memtrack-1000");
  CHECK(choose_runtime_directory("", 0, run) == run / "memtrack");
  std::filesystem::create_directory(run / "memtrack-1000");
  CHECK(choose_runtime_directory(session, 1000, run) == run / "memtrack-1000");
  CHECK(choose_runtime_directory("", 1000, run) == run / "memtrack-1000");
  CHECK(choose_runtime_directory("/a/folder/of/mine", 1000, run) == "/a/folder/of/mine/memtrack");
  CHECK(choose_runtime_directory("", 1001, run) == "/tmp/memtrack-1001");
}

TEST_CASE("a socket path over 107 bytes is refused with that reason") {
  CHECK_NOTHROW(memtrack::checked_socket_path(std::string(107, 'a')));
  CHECK_THROWS_WITH_AS(memtrack::checked_socket_path(std::string(108, 'a')), doctest::Contains("at most 107"),
                       std::runtime_error);
}

TEST_CASE("what belongs to a database stands beside it, private where it must be") {
  TemporaryDirectory folder;
  const auto database = folder / "mine.db";
  CHECK(memtrack::trial_log_path(database, 12) == folder / "mine.logs/12.log");
  CHECK(memtrack::environment_path(database, 3) == folder / "mine.private/3.environment");
  struct stat status {};
  REQUIRE(stat((folder / "mine.private").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
}

TEST_CASE("two databases of one folder share no log, no environment and no lock whatever they are called") {
  CHECK(memtrack::daemon_log_path("/x/runs.1") == "/x/runs.1.memtrackd.log");
  CHECK(memtrack::daemon_log_path("/x/runs.2") == "/x/runs.2.memtrackd.log");
  CHECK(memtrack::daemon_lock_path("/x/a.sqlite") != memtrack::daemon_lock_path("/x/a.db"));
  CHECK(memtrack::daemon_lock_path("/x/a.db") == "/x/a.memtrackd.lock");
}

TEST_CASE("folders are made for their user alone whatever the umask says and those that are there stay as they are") {
  TemporaryDirectory folder;
  const auto mode_of = [&](const std::string& name) {
    struct stat status {};
    REQUIRE(stat((folder / name).c_str(), &status) == 0);
    return status.st_mode & 0777;
  };
  const mode_t old_mask = umask(0);
  mkdir((folder / "open").c_str(), 0755);
  memtrack::make_folders(folder / "open/a/b/");
  umask(old_mask);
  CHECK(mode_of("open") == 0755);
  CHECK(mode_of("open/a") == 0700);
  CHECK(mode_of("open/a/b") == 0700);
  std::ofstream(folder / "file") << "x";
  CHECK_THROWS_WITH_AS(memtrack::make_folders(folder / "file/a"), doctest::Contains("cannot make the folder"),
                       std::system_error);
}

TEST_CASE("a uid that would lead to another folder names no lock and no socket and no cgroup") {
  TemporaryDirectory folder;
  ScopedEnvironment runtime("XDG_RUNTIME_DIR", folder.path().string());
  CHECK(memtrack::trial_lock_path("0af3-x_Y").filename() == "0af3-x_Y.lock");
  for (const std::string uid : {"", ".", "..", "../x", "a/b", "/etc/passwd", "a b", "a\nb", "é"}) {
    CAPTURE(uid);
    CHECK_THROWS_WITH_AS(memtrack::trial_lock_path(uid), doctest::Contains("is no uid of a trial"), std::runtime_error);
    CHECK_THROWS_AS(memtrack::event_socket_path(uid), std::runtime_error);
    CHECK_THROWS_AS(memtrack::trial_cgroup_name(uid), std::runtime_error);
  }
  CHECK_THROWS_AS(memtrack::trial_lock_path(std::string(65, 'a')), std::runtime_error);
}

TEST_CASE("a program that is not there is missed with the places that were looked at") {
  CHECK_THROWS_WITH_AS(memtrack::sibling_program("memtrack-nothing"),
                       doctest::Contains("libexec/memtrack/memtrack-nothing"), std::runtime_error);
}
