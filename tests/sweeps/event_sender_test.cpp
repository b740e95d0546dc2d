#include "sweeps/event_sender.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sweeps/event.h"
#include "tests/temporary_directory.h"

namespace {

using memtrack::decode_event;
using memtrack::encode_phase;
using memtrack::Event;
using memtrack::EventSender;

// A collector's end of the socket.
class Receiver {
 public:
  explicit Receiver(const std::string& path) : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Receiver() { close(socket_); }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // nullopt: nothing has arrived.
  std::optional<std::string> receive() {
    std::string buffer(memtrack::kMaxEventBytes + 1, '\0');
    const ssize_t length = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (length < 0) {
      return std::nullopt;
    }
    buffer.resize(static_cast<std::size_t>(length));
    return buffer;
  }

 private:
  int socket_;
};

}  // namespace

TEST_CASE("events arrive numbered from 1 and signed with the sender's pid") {
  const memtrack::testing::TemporaryDirectory directory;
  Receiver receiver(directory / "ev");
  EventSender sender(directory / "ev");
  REQUIRE(sender.is_connected());
  sender.send(encode_phase("load"));
  sender.send("{}");
  CHECK(receiver.receive() == R"({"event":"phase","name":"load","seq":1,"sender":)" + std::to_string(getpid()) + "}");
  CHECK(receiver.receive() == R"({"seq":2,"sender":)" + std::to_string(getpid()) + "}");
  CHECK(receiver.receive() == std::nullopt);
}

TEST_CASE("a sender without a collector does nothing") {
  const memtrack::testing::TemporaryDirectory directory;
  const std::vector<std::string> paths = {"", directory / "nobody", "/" + std::string(200, 'x')};
  for (const std::string& path : paths) {
    EventSender sender(path);
    CHECK_FALSE(sender.is_connected());
    sender.send(encode_phase("load"));
    CHECK(sender.flush());
  }
}

TEST_CASE("a reader that is behind does not block the sender, and gets all in order once it reads") {
  const memtrack::testing::TemporaryDirectory directory;
  Receiver receiver(directory / "ev");
  EventSender sender(directory / "ev");
  const int count = 300;  // far more than the kernel queues
  for (int i = 0; i < count; ++i) {
    sender.send(encode_phase("p" + std::to_string(i)));
  }
  CHECK_FALSE(sender.flush());
  int received = 0;
  for (bool all_sent = false; !all_sent;) {
    while (const auto datagram = receiver.receive()) {
      CHECK(decode_event(*datagram).seq == ++received);
    }
    all_sent = sender.flush();
  }
  while (const auto datagram = receiver.receive()) {
    CHECK(decode_event(*datagram).seq == ++received);
  }
  CHECK(received == count);
}

TEST_CASE("beyond 64 KiB the oldest kept events are dropped, which shows as a gap in the numbers") {
  const memtrack::testing::TemporaryDirectory directory;
  Receiver receiver(directory / "ev");
  EventSender sender(directory / "ev");
  const std::string large = R"({"event":"note","text":")" + std::string(1000, 'x') + "\"}";
  const int count = 500;
  for (int i = 0; i < count; ++i) {
    sender.send(large);
  }
  std::vector<std::int64_t> numbers;
  for (bool all_sent = false; !all_sent;) {
    all_sent = sender.flush();
    while (const auto datagram = receiver.receive()) {
      numbers.push_back(decode_event(*datagram).seq.value_or(0));
    }
  }
  REQUIRE_FALSE(numbers.empty());
  CHECK(numbers.back() == count);
  CHECK(std::is_sorted(numbers.begin(), numbers.end()));
  CHECK(numbers.size() > 60);
  CHECK(numbers.size() < 400);
}

TEST_CASE("an event that no datagram can hold is dropped, and the next one goes through") {
  const memtrack::testing::TemporaryDirectory directory;
  Receiver receiver(directory / "ev");
  EventSender sender(directory / "ev");
  sender.send(R"({"event":"note","text":")" + std::string(4'000'000, 'x') + "\"}");
  sender.send(encode_phase("train"));
  const auto datagram = receiver.receive();
  REQUIRE(datagram);
  CHECK(decode_event(*datagram).seq == 2);
}

TEST_CASE("a collector that goes away harms nothing") {
  const memtrack::testing::TemporaryDirectory directory;
  auto receiver = std::make_unique<Receiver>(directory / "ev");
  EventSender sender(directory / "ev");
  for (int i = 0; i < 100; ++i) {
    sender.send(encode_phase("before"));
  }
  receiver.reset();
  for (int i = 0; i < 100; ++i) {
    sender.send(encode_phase("after"));
  }
  CHECK(sender.flush());
}

TEST_CASE("the socket is not handed on to programs that the sender starts") {
  const memtrack::testing::TemporaryDirectory directory;
  const Receiver receiver(directory / "ev");
  const int next_free = dup(0);
  close(next_free);
  const EventSender sender(directory / "ev");
  CHECK((fcntl(next_free, F_GETFD) & FD_CLOEXEC) != 0);
}
