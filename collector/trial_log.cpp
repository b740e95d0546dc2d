#include "collector/trial_log.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

namespace memtrack {

TrialLog::TrialLog(const std::filesystem::path& path, std::int64_t cap_bytes) : cap_bytes_(cap_bytes) {
  if (!path.empty()) {
    file_ = FileDescriptor(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  }
}

void TrialLog::write(std::string_view output) {
  const auto room = static_cast<std::size_t>(std::max<std::int64_t>(cap_bytes_ - bytes_, 0));
  std::string_view left = output.substr(0, room);
  while (!left.empty()) {
    const ssize_t count = ::write(file_.get(), left.data(), left.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      break;
    }
    bytes_ += count;
    left.remove_prefix(static_cast<std::size_t>(count));
  }
  discarded_bytes_ += static_cast<std::int64_t>(left.size() + output.size() - std::min(output.size(), room));
}

}  // namespace memtrack
