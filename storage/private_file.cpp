#include "storage/private_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace memtrack {

std::size_t write_bytes(int file, std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const ssize_t count = write(file, bytes.data() + taken, bytes.size() - taken);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      break;
    }
    taken += static_cast<std::size_t>(count);
  }
  return taken;
}

FileDescriptor write_private_file(const std::filesystem::path& path, std::string_view bytes) {
  unlink(path.c_str());
  FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file || write_bytes(file.get(), bytes) != bytes.size()) {
    const int error = errno;
    unlink(path.c_str());
    throw std::system_error(error, std::generic_category(), "cannot write " + path.string());
  }
  return file;
}

}  // namespace memtrack
