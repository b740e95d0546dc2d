#include "daemon/environment_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

#include "storage/file_descriptor.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

std::string environment_block(const std::map<std::string, std::string>& environment) {
  std::string block;
  for (const auto& [name, value] : environment) {
    block += name + "=" + value + '\0';
  }
  return block;
}

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void synchronise_folder(const fs::path& folder) {
  const FileDescriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor || fsync(descriptor.get()) != 0) {
    fail("cannot write " + folder.string() + " to disk");
  }
}

void write_private_file(const fs::path& path, std::string_view text) {
  fs::remove(path);  // of a submission that was not completed, perhaps with another mode
  const FileDescriptor descriptor(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!descriptor) {
    fail("cannot make " + path.string());
  }
  while (!text.empty()) {
    const ssize_t count = write(descriptor.get(), text.data(), text.size());
    if (count < 0 && errno != EINTR) {
      fail("cannot write " + path.string());
    }
    text.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  if (fsync(descriptor.get()) != 0) {
    fail("cannot write " + path.string() + " to disk");
  }
}

}  // namespace

void write_environment_file(const fs::path& path, const std::map<std::string, std::string>& environment) {
  write_private_file(path, environment_block(environment));
  synchronise_folder(path.parent_path());
}

std::map<std::string, std::string> read_environment_file(const fs::path& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  std::map<std::string, std::string> environment;
  std::istringstream entries(text.str());
  for (std::string entry; std::getline(entries, entry, '\0');) {
    const std::size_t equals = entry.find('=');
    environment.emplace(entry.substr(0, equals), equals == std::string::npos ? "" : entry.substr(equals + 1));
  }
  return environment;
}

}  // namespace memtrack
