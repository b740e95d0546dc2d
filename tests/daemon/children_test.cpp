#include "daemon/children.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_future.hpp>
#include <cerrno>
#include <csignal>
#include <future>
#include <iterator>
#include <set>
#include <sstream>
#include <system_error>

#include "daemon/processes.h"
#include "storage/file_descriptor.h"
#include "tests/daemon/fixture.h"

using namespace memtrack;
using memtrack::testing::read_file;
using memtrack::testing::TemporaryDirectory;
using memtrack::testing::wait_until;

namespace {

ChildOutput run(boost::asio::io_context& context, Children& children, const std::string& command,
                const std::string& input = "", std::size_t max_output = 1 << 20,
                std::chrono::seconds limit = std::chrono::seconds(60)) {
  const ChildProgram shell{.program = "/bin/sh", .arguments = {"-c", command}};
  std::future<ChildOutput> result =
      boost::asio::co_spawn(context, children.run(shell, input, max_output, limit), boost::asio::use_future);
  context.restart();
  while (result.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    context.run_one();
  }
  return result.get();
}

// What a collector may leave: a process of its session, and one of another with an empty environment.
struct StartedOrphans {
  explicit StartedOrphans(Children& children) {
    const TemporaryDirectory folder;
    const std::string pids = folder / "pids";
    parent = children.start_detached(
        {.program = "/bin/sh",
         .arguments = {"-c", "sleep 1000 & echo $! > " + pids + "; env -i setsid sleep 1000 & echo $! >> " + pids}},
        -1);
    REQUIRE(wait_until([&] { return children.take_status(parent.pid).has_value(); }));
    std::istringstream(read_file(pids)) >> same_session >> other_session;
    // From the fork to setsid() it is in its parent's.
    REQUIRE(wait_until([this] { return look_at_orphan(other_session)->session == other_session; }));
    both = {same_session, other_session};
  }

  std::set<pid_t> found(Children& children, const std::string& uid) const {
    const std::vector<pid_t> orphans = children.orphans_of(parent, uid);
    return {orphans.begin(), orphans.end()};
  }

  StartedProcess parent;
  pid_t same_session = 0;
  pid_t other_session = 0;
  std::set<pid_t> both;
};

// Descriptors that are not close-on-exec, as a careless library or our own starter leaves them.
struct LeakyDescriptors {
  FileDescriptor low{open("/dev/null", O_RDONLY)};
  FileDescriptor high{fcntl(low.get(), F_DUPFD, 200)};
};

}  // namespace

TEST_CASE("a child gets its input, and its output and status come back") {
  boost::asio::io_context context;
  Children children(context);
  const ChildOutput result = run(context, children, "cat; exit 3", std::string(300'000, 'x'));
  CHECK(result.output == std::string(300'000, 'x'));
  CHECK(WEXITSTATUS(result.status) == 3);
  CHECK(describe_wait_status(result.status) == "exited with code 3");
}

TEST_CASE("a child that ends without reading its input is no error of ours") {
  boost::asio::io_context context;
  Children children(context);
  const ChildOutput result = run(context, children, "echo early", std::string(4'000'000, 'x'));
  CHECK(result.output == "early\n");
}

TEST_CASE("exit code 9 and death by signal 9 are told apart") {
  boost::asio::io_context context;
  Children children(context);
  CHECK(describe_wait_status(run(context, children, "exit 9").status) == "exited with code 9");
  CHECK(describe_wait_status(run(context, children, "kill -9 $$").status) == "was killed by signal 9 (Killed)");
}

TEST_CASE("a child that says too much, or takes too long, is ended") {
  boost::asio::io_context context;
  Children children(context);
  CHECK_THROWS_WITH(run(context, children, "exec yes", "", 1000), "/bin/sh says more than 1000 bytes");
  const ChildOutput late = run(context, children, "exec sleep 1000", "", 1000, std::chrono::seconds(1));
  CHECK(WTERMSIG(late.status) == SIGKILL);
}

TEST_CASE("a signal that comes to a child before it has become its program is not taken for one of ours") {
  // As a Ctrl-C does, which comes to the whole group. SIGURG, since a program does not mind it.
  static bool raising = false;
  static const int installed = pthread_atfork(nullptr, nullptr, [] {
    if (raising) {
      raise(SIGURG);
    }
  });
  REQUIRE(installed == 0);
  boost::asio::io_context context;
  Children children(context);
  boost::asio::signal_set urgent(context, SIGURG);
  int taken = 0;
  urgent.async_wait([&](const boost::system::error_code& error, int) { taken += error ? 0 : 1; });
  raising = true;
  const ChildOutput result = run(context, children, "echo ran");
  raising = false;
  CHECK(result.output == "ran\n");
  CHECK(taken == 0);
  raise(SIGURG);
  context.restart();
  while (taken == 0) {
    context.run_one();
  }
  CHECK(taken == 1);  // signals are let through again
}

TEST_CASE("a program that is not there is an error that names it") {
  boost::asio::io_context context;
  Children children(context);
  CHECK_THROWS_WITH(children.start_detached({.program = "/nowhere/program", .arguments = {}}, -1),
                    "cannot start /nowhere/program: No such file or directory");
}

TEST_CASE("where descriptors are lacking no program is started and when there are enough one is") {
  boost::asio::io_context context;
  Children children(context);
  const ChildProgram program{.program = "/bin/true", .arguments = {}};
  const int first_free = FileDescriptor(dup(STDIN_FILENO)).get();
  const pid_t self = getpid();
  rlimit enough{};
  getrlimit(RLIMIT_NOFILE, &enough);
  pid_t started = 0;
  for (rlim_t allowed = static_cast<rlim_t>(first_free); started == 0; ++allowed) {
    const rlimit few{.rlim_cur = allowed, .rlim_max = enough.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    try {
      started = children.start_detached(program, -1).pid;
    } catch (const std::system_error& error) {
      if (getpid() != self) {
        _exit(1);
      }
      CHECK(error.code().value() == EMFILE);
    }
  }
  setrlimit(RLIMIT_NOFILE, &enough);
  CHECK(wait_until([&] { return children.take_status(started) == 0; }));
}

TEST_CASE("a child has no descriptors but the standard ones and the one that is kept for it") {
  boost::asio::io_context context;
  Children children(context);
  const LeakyDescriptors leaky;
  TemporaryDirectory folder;
  // 3 is the listing's own.
  CHECK(run(context, children, "exec ls /proc/self/fd").output == "0\n1\n2\n3\n");

  const FileDescriptor kept(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::string list = folder / "list";
  const pid_t pid =
      children
          .start_detached({.program = "/bin/sh", .arguments = {"-c", "exec ls /proc/self/fd > " + list}}, kept.get())
          .pid;
  REQUIRE(wait_until([&] { return children.take_status(pid).has_value(); }));
  std::istringstream lines(read_file(list));
  std::set<int> found{std::istream_iterator<int>(lines), {}};
  found.erase(3);
  CHECK(found == std::set<int>{0, 1, 2, kept.get()});
}

TEST_CASE("a child finds its signals as any program does, though we ignore SIGPIPE") {
  boost::asio::io_context context;
  Children children(context);
  sigset_t blocked;
  sigset_t old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, &old);
  const std::string status = run(context, children, "exec cat /proc/self/status").output;
  sigprocmask(SIG_SETMASK, &old, nullptr);
  CHECK(status.find("SigIgn:\t0000000000000000") != std::string::npos);
  CHECK(status.find("SigBlk:\t0000000000000000") != std::string::npos);
}

TEST_CASE("a detached child is in a session of its own, with nothing on its standard input") {
  boost::asio::io_context context;
  Children children(context);
  TemporaryDirectory folder;
  const std::string out = folder / "out";
  const pid_t pid =
      children
          .start_detached(
              {.program = "/bin/sh",
               .arguments = {"-c", "cut -d' ' -f6 /proc/$$/stat > " + out + "; readlink /proc/$$/fd/0 >> " + out}},
              -1)
          .pid;
  REQUIRE(wait_until([&] { return children.take_status(pid).has_value(); }));
  CHECK(read_file(out) == std::to_string(pid) + "\n/dev/null\n");
}

TEST_CASE("orphans of what we started come to us and are told from our own children") {
  boost::asio::io_context context;
  Children children(context);
  const StartedOrphans started(children);
  const pid_t own = children.start_detached({.program = "/bin/sleep", .arguments = {"1000"}}, -1).pid;
  CHECK(started.found(children, "7") == started.both);
  CHECK(children.orphans_of({.pid = 1, .start_ticks = started.parent.start_ticks + 1'000'000}, "7").empty());
  TreeEnd end("7");
  CHECK(wait_until([&] { return end.look(children.orphans_of(started.parent, "7")); }));
  CHECK(end.killed() == 2);
  CHECK(started.found(children, "7").empty());
  CHECK(kill(own, SIGKILL) == 0);
  CHECK(wait_until([&] { return children.take_status(own).has_value(); }));
}

TEST_CASE("where orphans of others come to us as well those of the session that we started are taken alone") {
  boost::asio::io_context context;
  const pid_t before = fork();
  if (before == 0) {
    execlp("sleep", "sleep", "1000", nullptr);
    _exit(1);
  }
  Children children(context);
  const StartedOrphans started(children);
  CHECK(started.found(children, "7") == std::set<pid_t>{started.same_session});
  for (const pid_t pid : {before, started.same_session, started.other_session}) kill(pid, SIGKILL);
  CHECK(wait_until([&] { return started.found(children, "7").empty() && kill(before, 0) != 0; }));
}

TEST_CASE("an orphan is of a lost trial by the collector's session or as what began later and is no other trial's") {
  using namespace std::string_literals;
  struct Row {
    Orphan orphan;
    bool alone;  // where only what we started comes to us
    bool among_others;
  };
  const Row rows[] = {
      {{.session = 50, .start_ticks = 100, .environment = ""}, true, true},
      {{.session = 50, .start_ticks = 100, .environment = "MEMTRACK_TRIAL=8\0"s}, true, true},  // a run inside it
      {{.session = 60, .start_ticks = 100, .environment = ""}, true, false},
      {{.session = 60, .start_ticks = 99, .environment = ""}, false, false},
      {{.session = 60, .start_ticks = 100, .environment = "A=1\0MEMTRACK_TRIAL=7\0"s}, true, false},
      {{.session = 60, .start_ticks = 100, .environment = "A=1\0MEMTRACK_TRIAL=8\0"s}, false, false},
      {{.session = 60, .start_ticks = 100, .environment = "MEMTRACK_TRIALS=8\0A=MEMTRACK_TRIAL=8\0"s}, true, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.orphan.environment);
    CHECK(may_be_left_by({.pid = 50, .start_ticks = 100}, "7", row.orphan, false) == row.alone);
    CHECK(may_be_left_by({.pid = 50, .start_ticks = 100}, "7", row.orphan, true) == row.among_others);
  }
  const std::string stat = "12 (a) b) S 1 11 10 0 -1 4194560 101 0 0 0 0 0 0 0 20 0 1 0 4711 2719744 389";
  REQUIRE(parse_orphan(stat));
  CHECK(parse_orphan(stat)->session == 10);
  CHECK(parse_orphan(stat)->start_ticks == 4711);
  CHECK_FALSE(parse_orphan("12 (a) S 1"));
  CHECK_FALSE(parse_orphan(""));
}
