// How memtrackd ends, and what it tells a service manager of its life.

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>

#include "storage/file_descriptor.h"
#include "tests/daemon/fixture.h"
#include "tests/no_descriptors.h"

using namespace memtrack;
using memtrack::testing::Daemon;
using memtrack::testing::kEndWithoutDescriptors;
using memtrack::testing::Variable;
using memtrack::testing::wait_until;
using memtrack::testing::Workplace;

namespace {

// Runs until the file `go` is made.
const std::string kUntilGo = "touch begun; while [ ! -e go ]; do sleep 0.05; done";

// A daemon that a running trial keeps from ending for as long as it likes.
class WaitingDaemon {
 public:
  WaitingDaemon() {
    REQUIRE(daemon_.submit({kUntilGo, "touch second"}).status == 201);
    REQUIRE(wait_until([&] { return std::filesystem::exists(place_ / "begun") && place_.collector_pid(1) > 0; }));
    kill(daemon_.pid(), SIGTERM);
    REQUIRE(wait_until([&] { return daemon_.log().find("another signal cancels") != std::string::npos; }));
  }

  std::string states() const {
    return place_.sql("SELECT group_concat(state) FROM (SELECT state FROM trials ORDER BY trial_id)");
  }

  const Workplace& place() const { return place_; }
  Daemon& daemon() { return daemon_; }

 private:
  Workplace place_;
  Variable drain_{"MEMTRACK_DRAIN", "1h"};
  Daemon daemon_{place_};
};

// What a service manager hears.
class ServiceManager {
 public:
  explicit ServiceManager(const Workplace& place) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (place / "notify").string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    path_ = address.sun_path;
  }

  const std::string& path() const { return path_; }

  std::string next_message() const {
    pollfd entry{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    REQUIRE(poll(&entry, 1, 60'000) == 1);
    char text[256];
    const ssize_t size = recv(socket_.get(), text, sizeof text, 0);
    return std::string(text, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }

 private:
  FileDescriptor socket_{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::string path_;
};

}  // namespace

TEST_CASE("SIGTERM waits for the running trial as long as it may and begins no other") {
  WaitingDaemon waiting;
  CHECK(waiting.states() == "running,queued");
  waiting.place().make_file("go");
  CHECK(waiting.daemon().end(0) == 0);  // by itself: no second signal is sent
  CHECK(waiting.states() == "done,queued");
}

TEST_CASE("a second SIGTERM cancels the running trial and the daemon ends when that is over") {
  WaitingDaemon waiting;
  CHECK(waiting.daemon().end(SIGTERM) == 0);
  CHECK(waiting.states() == "cancelled,queued");
  CHECK(waiting.place().processes_of_trial(1) == 0);
}

TEST_CASE("SIGTERM ends a daemon that has no descriptor left to look at its trials and they go on") {
  const Workplace place;
  Daemon daemon(place);
  REQUIRE(daemon.submit({kUntilGo}).status == 201);
  REQUIRE(wait_until([&] { return std::filesystem::exists(place / "begun") && place.collector_pid(1) > 0; }));
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  REQUIRE(prlimit(daemon.pid(), RLIMIT_NOFILE, &none, nullptr) == 0);
  CHECK(daemon.end(SIGTERM) == kEndWithoutDescriptors);
  CHECK(daemon.log().find("cannot tell which trials run") != std::string::npos);
  place.make_file("go");
  CHECK(wait_until([&] { return place.sql("SELECT state FROM trials") == "done"; }));
}

TEST_CASE("a service manager is told when the daemon is ready and when it stops") {
  const Workplace place;
  const ServiceManager manager(place);
  const Variable address("NOTIFY_SOCKET", manager.path());
  Daemon daemon(place);
  CHECK(manager.next_message() == "READY=1");
  CHECK(daemon.end(SIGTERM) == 0);
  CHECK(manager.next_message().find("STOPPING=1\n") == 0);
}

TEST_CASE("a service manager that watches is told again and again that the daemon lives") {
  const Workplace place;
  const ServiceManager manager(place);
  const Variable address("NOTIFY_SOCKET", manager.path());
  const Variable limit("WATCHDOG_USEC", "100000");
  Daemon daemon(place);
  CHECK(manager.next_message() == "READY=1");
  for (int i = 0; i < 3; ++i) {
    CHECK(manager.next_message() == "WATCHDOG=1");
  }
}
