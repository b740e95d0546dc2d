#include "storage/environment_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "storage/private_file.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

std::string environment_text(const Environment& environment) {
  std::string text;
  for (const auto& [name, value] : environment) {
    text += name + "=" + value + '\0';
  }
  return text;
}

void synchronise(const FileDescriptor& file, const fs::path& path) {
  if (!file || fsync(file.get()) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot write " + path.string() + " to disk");
  }
}

}  // namespace

Environment parse_environment(const std::string& text) {
  Environment environment;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\0', begin), text.size());
    const std::string entry = text.substr(begin, end - begin);
    if (const std::size_t equals = entry.find('='); equals != std::string::npos && equals > 0) {
      environment[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    begin = end + 1;
  }
  return environment;
}

void write_environment_file(const fs::path& path, const Environment& environment) {
  synchronise(write_private_file(path, environment_text(environment)), path);
  const fs::path folder = path.parent_path();
  synchronise(FileDescriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), folder);
}

std::optional<std::string> missing_environment(const fs::path& path) {
  std::error_code unknown;  // whoever reads it will say why it cannot be
  if (fs::exists(path, unknown) || unknown) {
    return std::nullopt;
  }
  return fmt::format(
      "its submitter's environment, {}, is not there, and it is not run with another one; submit its sweep again",
      path.string());
}

Environment read_environment_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw std::system_error(errno, std::generic_category(),
                            "cannot read the submitter's environment from " + path.string());
  }
  return parse_environment({std::istreambuf_iterator<char>(file), {}});
}

}  // namespace memtrack
