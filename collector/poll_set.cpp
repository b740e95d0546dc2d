#include "collector/poll_set.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace memtrack {
namespace {

constexpr std::chrono::nanoseconds kLongestWait = std::chrono::minutes(1);

}  // namespace

void PollSet::forget(int descriptor) {
  std::erase_if(entries_, [descriptor](const pollfd& entry) { return entry.fd == descriptor; });
}

std::span<const pollfd> PollSet::wait_until(BootClock::time_point time) {
  const auto left = std::clamp<std::chrono::nanoseconds>(time - BootClock::now(), {}, kLongestWait);
  const timespec timeout{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
  if (ppoll(entries_.data(), entries_.size(), &timeout, nullptr) < 0) {
    if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "cannot wait");
    }
    for (pollfd& entry : entries_) {
      entry.revents = 0;
    }
  }
  return entries_;
}

}  // namespace memtrack
