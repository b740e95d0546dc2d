#include "tools/follow.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "storage/file_descriptor.h"
#include "tools/terminal.h"

namespace memtrack {
namespace {

constexpr auto kPause = std::chrono::milliseconds(200);

// From where it was last read to its end.
void print_rest(const FileDescriptor& file) {
  std::array<char, 65536> buffer{};
  ssize_t count = 0;
  while ((count = read(file.get(), buffer.data(), buffer.size())) > 0) {
    print({buffer.data(), static_cast<std::size_t>(count)});
  }
  flush_output();
}

FileDescriptor open_for_reading(const std::filesystem::path& path) {
  return FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

// True where another file stands under the path now: this one was rotated.
bool is_replaced(const FileDescriptor& file, const std::filesystem::path& path) {
  struct stat ours {};
  struct stat theirs {};
  return fstat(file.get(), &ours) == 0 && stat(path.c_str(), &theirs) == 0 && ours.st_ino != theirs.st_ino;
}

}  // namespace

void print_file(const std::filesystem::path& path) {
  print_rest(open_for_reading(path));
}

void follow_file(const std::filesystem::path& path, const std::function<bool()>& goes_on) {
  FileDescriptor file = open_for_reading(path);
  for (bool is_last_look = false; !is_last_look;) {
    is_last_look = !goes_on();
    print_rest(file);
    while (!file || is_replaced(file, path)) {
      print_rest(file);  // what came between the look at it and its rotation
      file = open_for_reading(path);
      if (!file) {
        break;
      }
      print_rest(file);
    }
    if (!is_last_look) {
      std::this_thread::sleep_for(kPause);
    }
  }
}

std::string last_lines(const std::filesystem::path& path, std::size_t lines) {
  constexpr std::streamoff kTail = 8192;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) {
    return "";
  }
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - kTail));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  std::size_t begin = text.size();
  while (lines > 0 && begin != std::string::npos && begin > 0) {
    begin = text.rfind('\n', begin - 1);
    --lines;
  }
  return begin == std::string::npos || begin == 0 ? text : text.substr(begin + 1);
}

}  // namespace memtrack
