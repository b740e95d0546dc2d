// The lower bound that the collector is held against: the bare reads of the same files at the same interval, with
// descriptors held open and nothing parsed, stored or decided.
//   bare_reads INTERVAL_MS TICKS [EVERY_MS:]FILE...      prints its own CPU nanoseconds a tick
// FILE is read on every tick, EVERY_MS:FILE on the first tick that is that much after the last reading.

#include <fcntl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct File {
  int descriptor = -1;
  long every_ms = 0;
  long next_ms = 0;
};

File open_file(const std::string& argument) {
  const std::size_t colon = argument.find(':');
  File file;
  if (argument[0] != '/' && colon != std::string::npos) {
    file.every_ms = file.next_ms = std::atol(argument.c_str());
  }
  const std::string path = argument.substr(file.every_ms > 0 ? colon + 1 : 0);
  file.descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.descriptor < 0) {
    std::perror(path.c_str());
    std::exit(1);
  }
  return file;
}

// To its end, where it comes in pieces. A file of a process that is gone reads as empty.
void read_whole(int descriptor) {
  constexpr ssize_t kWholeBelow = 3500;  // a longer text may go on
  static std::array<char, 65536> buffer;
  off_t offset = 0;
  for (ssize_t count = buffer.size(); count >= kWholeBelow; offset += count) {
    count = pread(descriptor, buffer.data(), buffer.size(), offset);
  }
}

std::int64_t cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: bare_reads INTERVAL_MS TICKS [EVERY_MS:]FILE...\n");
    return 2;
  }
  const long interval_ms = std::atol(argv[1]);
  const long ticks = std::atol(argv[2]);
  std::vector<File> files;
  for (int i = 3; i < argc; ++i) {
    files.push_back(open_file(argv[i]));
  }
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec period{.it_interval = {interval_ms / 1000, interval_ms % 1000 * 1'000'000},
                          .it_value = {interval_ms / 1000, interval_ms % 1000 * 1'000'000}};
  timerfd_settime(timer, 0, &period, nullptr);
  const std::int64_t before = cpu_ns();
  long now_ms = 0;
  for (long tick = 0; tick < ticks; ++tick) {
    std::uint64_t expirations = 0;
    if (read(timer, &expirations, sizeof expirations) < 0) {
      return 1;
    }
    now_ms += interval_ms * static_cast<long>(expirations);
    for (File& file : files) {
      if (now_ms >= file.next_ms) {
        file.next_ms = now_ms + file.every_ms;
        read_whole(file.descriptor);
      }
    }
  }
  std::printf("%lld\n", static_cast<long long>((cpu_ns() - before) / ticks));
}
