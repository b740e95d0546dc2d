#include "collector/trial_log.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "storage/paths.h"
#include "storage/private_file.h"
#include "sweeps/sweep.h"

namespace memtrack {

TrialLog::TrialLog(std::filesystem::path path, std::int64_t cap_bytes) : path_(std::move(path)), cap_bytes_(cap_bytes) {
  open_file();  // empty, it says that nothing was printed
}

void TrialLog::write(std::string_view output) {
  const std::int64_t half = cap_bytes_ / 2;
  while (!output.empty()) {
    const bool has_file = half > 0 && (file_bytes_ < half || rotate()) && open_file();
    const auto room = static_cast<std::size_t>(has_file ? half - file_bytes_ : 0);
    if (room == 0) {
      skip(static_cast<std::int64_t>(output.size()));
      return;
    }
    write_to_file(output.substr(0, room));
    output.remove_prefix(std::min(room, output.size()));
  }
}

void TrialLog::skip(std::int64_t bytes) {
  discarded_bytes_ += bytes;
  missing_bytes_ += bytes;
}

// Where there is none: before any output, behind a rotation, and where the disk was too full for it until now.
bool TrialLog::open_file() {
  if (file_ || path_.empty()) {
    return static_cast<bool>(file_);
  }
  file_ = FileDescriptor(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file_ && older_bytes_ > 0) {
    write_bytes(
        file_.get(),
        fmt::format("[memtrack: before this, {} bytes were printed; the last {} at most are kept, in two files]\n",
                    older_bytes_ + discarded_bytes_, format_size(cap_bytes_)));
  }
  return static_cast<bool>(file_);
}

bool TrialLog::rotate() {
  if (rename(path_.c_str(), older_log_path(path_).c_str()) != 0) {
    return false;
  }
  file_.reset();
  discarded_bytes_ += older_bytes_;
  older_bytes_ = std::exchange(file_bytes_, 0);
  return true;
}

void TrialLog::write_to_file(std::string_view output) {
  if (missing_bytes_ > 0) {
    const std::string gap = fmt::format("\n[memtrack: {} bytes of output are missing here]\n", missing_bytes_);
    if (write_bytes(file_.get(), gap) != gap.size()) {
      skip(static_cast<std::int64_t>(output.size()));
      return;
    }
    missing_bytes_ = 0;
  }
  const auto taken = static_cast<std::int64_t>(write_bytes(file_.get(), output));
  file_bytes_ += taken;
  skip(static_cast<std::int64_t>(output.size()) - taken);
}

}  // namespace memtrack
