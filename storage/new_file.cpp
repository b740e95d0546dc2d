#include "storage/new_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "storage/database.h"
#include "storage/file_descriptor.h"
#include "storage/shortage.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

void refuse_existing(const fs::path& path, bool may_replace) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (!fs::exists(status)) return;
  if (!fs::is_regular_file(status)) {
    throw StorageError(fmt::format("{} is no regular file; name another one", path.string()), false);
  }
  if (!may_replace) {
    throw StorageError(fmt::format("{} is there already; --force replaces it, or name another file", path.string()),
                       false);
  }
}

}  // namespace

NewFile::NewFile(fs::path path, bool may_replace, mode_t mode)
    : path_(std::move(path)),
      partial_path_(fmt::format("{}.{}.part", path_.string(), getpid())),
      may_replace_(may_replace) {
  refuse_existing(path_, may_replace_);
  FileDescriptor descriptor(open(partial_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!descriptor) fail(errno);
  file_.reset(fdopen(descriptor.get(), "w"));
  if (!file_) {
    const int error_number = errno;
    unlink(partial_path_.c_str());
    fail(error_number);
  }
  descriptor.release();
}

NewFile::~NewFile() {
  if (file_) unlink(partial_path_.c_str());
}

void NewFile::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) fail(errno);
}

void NewFile::finish() {
  if (std::fflush(file_.get()) != 0 || fsync(fileno(file_.get())) != 0) fail(errno);
  const unsigned flags = may_replace_ ? 0 : RENAME_NOREPLACE;
  int result = renameat2(AT_FDCWD, partial_path_.c_str(), AT_FDCWD, path_.c_str(), flags);
  if (result != 0 && errno == EINVAL) {  // a file system that cannot look and rename at once
    refuse_existing(path_, may_replace_);
    result = rename(partial_path_.c_str(), path_.c_str());
  }
  if (result != 0 && errno == EEXIST) refuse_existing(path_, may_replace_);
  if (result != 0) fail(errno);
  file_.reset();
  const fs::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
  if (const FileDescriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); opened) {
    fsync(opened.get());  // the name; not every file system can
  }
}

void NewFile::fail(int error_number) const {
  throw StorageError(
      fmt::format("cannot write {}: {}; nothing was left there", path_.string(), std::strerror(error_number)),
      is_shortage(error_number));
}

}  // namespace memtrack
