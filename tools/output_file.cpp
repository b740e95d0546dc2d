#include "tools/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

#include "storage/file_descriptor.h"
#include "tools/exit_codes.h"
#include "tools/text.h"

namespace memtrack {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_existing(const fs::path& path) {
  throw UsageError(fmt::format("{} exists; --force replaces it", escape_controls(path.string())));
}

[[noreturn]] void fail(const fs::path& path, int error) {
  throw std::runtime_error(
      fmt::format("{} cannot be written: {}", escape_controls(path.string()), std::strerror(error)));
}

// Beside the target, gone unless it got the target's name.
class DraftFile {
 public:
  explicit DraftFile(const fs::path& target) : target_(target), name_(target.string() + ".XXXXXX") {
    descriptor_ = FileDescriptor(mkostemp(name_.data(), O_CLOEXEC));
    if (!descriptor_) fail(target_, errno);
  }
  ~DraftFile() {
    if (!is_named_) unlink(name_.c_str());
  }
  DraftFile(const DraftFile&) = delete;
  DraftFile& operator=(const DraftFile&) = delete;

  void write(std::string_view contents) {
    while (!contents.empty()) {
      const ssize_t count = ::write(descriptor_.get(), contents.data(), contents.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(target_, errno);
      contents.remove_prefix(static_cast<std::size_t>(count));
    }
    // What open(2) would have given; mkostemp(3) is for secrets.
    const mode_t mask = umask(0);
    umask(mask);
    if (fchmod(descriptor_.get(), 0666 & ~mask) != 0 || fsync(descriptor_.get()) != 0) fail(target_, errno);
  }

  void commit(bool force) {
    const unsigned flags = force ? 0U : static_cast<unsigned>(RENAME_NOREPLACE);
    int error = renameat2(AT_FDCWD, name_.c_str(), AT_FDCWD, target_.c_str(), flags) == 0 ? 0 : errno;
    if (error == EINVAL && !force) {  // a file system that cannot tell; it was looked at before
      error = std::rename(name_.c_str(), target_.c_str()) == 0 ? 0 : errno;
    }
    if (error == EEXIST) refuse_existing(target_);
    if (error != 0) fail(target_, error);
    is_named_ = true;
  }

 private:
  fs::path target_;
  std::string name_;
  FileDescriptor descriptor_;
  bool is_named_ = false;
};

// Where a link leads: the link itself stays.
fs::path target_of(const fs::path& path) {
  std::error_code error;
  const fs::path target = fs::canonical(path, error);
  return error ? path : target;
}

}  // namespace

void check_output_file(const fs::path& path, bool force) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
    if (!fs::is_directory(folder, error)) {
      throw UsageError(fmt::format("{} cannot be made: there is no folder {}", escape_controls(path.string()),
                                   escape_controls(folder.string())));
    }
    return;
  }
  if (!fs::is_regular_file(status)) {
    throw UsageError(fmt::format("{} is not a regular file and is left alone", escape_controls(path.string())));
  }
  if (!force) refuse_existing(path);
}

void write_output_file(const fs::path& path, std::string_view contents, bool force) {
  check_output_file(path, force);
  DraftFile draft(target_of(path));
  draft.write(contents);
  draft.commit(force);
}

}  // namespace memtrack
