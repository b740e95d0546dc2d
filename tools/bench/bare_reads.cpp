// The lower bound that the collector is held against: the bare reads of the same files at the same interval, with
// descriptors held open and nothing parsed, stored or decided.
//   bare_reads INTERVAL_MS TICKS PID...      prints its own CPU nanoseconds a tick

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

std::int64_t cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: bare_reads INTERVAL_MS TICKS PID...\n");
    return 2;
  }
  const long interval_ms = std::atol(argv[1]);
  const long ticks = std::atol(argv[2]);
  std::vector<int> descriptors = {open("/proc/meminfo", O_RDONLY | O_CLOEXEC)};
  for (int i = 3; i < argc; ++i) {
    const std::string process = std::string("/proc/") + argv[i];
    for (const std::string& file :
         {process + "/status", process + "/stat", process + "/task/" + argv[i] + "/children"}) {
      descriptors.push_back(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    }
  }
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec period{.it_interval = {interval_ms / 1000, interval_ms % 1000 * 1'000'000},
                          .it_value = {interval_ms / 1000, interval_ms % 1000 * 1'000'000}};
  timerfd_settime(timer, 0, &period, nullptr);
  std::array<char, 16384> buffer{};
  const std::int64_t before = cpu_ns();
  for (long tick = 0; tick < ticks; ++tick) {
    std::uint64_t expirations = 0;
    if (read(timer, &expirations, sizeof expirations) < 0) {
      return 1;
    }
    for (const int descriptor : descriptors) {
      if (pread(descriptor, buffer.data(), buffer.size(), 0) < 0) {
        break;  // the process is gone
      }
    }
  }
  std::printf("%lld\n", static_cast<long long>((cpu_ns() - before) / ticks));
}
