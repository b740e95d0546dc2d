// Many senders at once, and senders whose collector does not listen.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sweeps/event.h"
#include "sweeps/event_sender.h"
#include "tests/collector/collected_trial.h"

using namespace memtrack;
using namespace memtrack::testing;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> until_told() {
  return {"sh", "-c", "while [ ! -e end ]; do sleep 0.01; done"};
}

void tell(CollectedTrial& trial) {
  std::ofstream(trial.path("end")) << "";
}

template <typename Work>
pid_t in_child(Work work) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    work();
    _exit(0);
  }
  return child;
}

bool has_ended(pid_t child) {
  return wait_until([&] { return waitpid(child, nullptr, WNOHANG) == child; });
}

void send_numbers(EventSender& sender, int count) {
  for (int i = 1; i <= count; ++i) {
    sender.send(encode_metric({.name = "number", .value = static_cast<double>(i), .epoch = {}}));
  }
}

// Its last event comes, and so every gap shows.
void send_numbers_to_the_last(const std::filesystem::path& socket, int count) {
  EventSender sender(socket);
  send_numbers(sender, count);
  wait_until([&] { return sender.flush(); });
}

// Text of no known sender, as it is, waiting for the collector.
void send_raw(const std::filesystem::path& path, const std::string& text, int count) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  const int events = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int room = 1 << 20;
  setsockopt(events, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  connect(events, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  for (int i = 0; i < count; ++i) {
    send(events, text.data(), text.size(), MSG_NOSIGNAL);
  }
  close(events);
}

}  // namespace

TEST_CASE("of 20 senders at once every event is recorded or counted as missing") {
  CollectedTrial trial(until_told());
  trial.start();
  REQUIRE(wait_until([&] { return std::filesystem::exists(trial.event_socket()); }));
  constexpr int kSenders = 20;
  constexpr int kEvents = 500;
  std::vector<pid_t> children;
  for (int i = 0; i < kSenders; ++i) {
    children.push_back(in_child([&] { send_numbers_to_the_last(trial.event_socket(), kEvents); }));
  }
  children.push_back(in_child([&] { send_raw(trial.event_socket(), "no event", 200); }));
  children.push_back(in_child([&] { send_raw(trial.event_socket(), std::string(100'000, ' '), 50); }));
  for (const pid_t child : children) {
    CHECK(has_ended(child));
  }
  tell(trial);
  CHECK(trial.wait() == 0);
  CHECK(trial.state() == "done");
  CHECK(trial.number("SELECT (SELECT count(*) FROM metrics) + events_missing FROM trial_totals") == kSenders * kEvents);
  CHECK(trial.sql("SELECT events_malformed FROM trial_totals") == "250");
  CHECK(trial.number("SELECT count(DISTINCT body ->> '$.sender') FROM events") == kSenders);
  CHECK(trial.sql("SELECT count(*) FROM (SELECT 1 FROM events GROUP BY body ->> '$.sender', body ->> '$.seq' HAVING "
                  "count(*) > 1)") == "0");
  CHECK(trial.sql("SELECT count(*) FROM metrics WHERE value = 500") == std::to_string(kSenders));
}

TEST_CASE("a stopped collector blocks no sender, and hears what was kept when it goes on") {
  CollectedTrial trial(until_told());
  const pid_t collector = trial.start();
  REQUIRE(wait_until([&] { return std::filesystem::exists(trial.event_socket()); }));
  kill(collector, SIGSTOP);
  constexpr int kEvents = 5000;
  EventSender sender(trial.event_socket());
  REQUIRE(sender.is_connected());
  send_numbers(sender, kEvents);
  CHECK(has_ended(in_child([&] {
    EventSender other(trial.event_socket());
    send_numbers(other, kEvents);
  })));
  kill(collector, SIGCONT);
  CHECK(wait_until([&] { return sender.flush(); }));
  tell(trial);
  CHECK(trial.wait() == 0);
  const std::string ours = "body ->> '$.sender' = " + std::to_string(getpid());
  const double received = trial.number("SELECT count(*) FROM events WHERE " + ours);
  CHECK(received > 10);
  CHECK(trial.number("SELECT max(body ->> '$.seq') FROM events WHERE " + ours) == kEvents);
  // The other one ended before the collector went on: of it only what the kernel queued has come, without a gap.
  CHECK(trial.number("SELECT events_missing FROM trial_totals") == kEvents - received);
}
