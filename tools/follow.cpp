#include "tools/follow.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "tools/terminal.h"

namespace memtrack {
namespace {

constexpr auto kPause = std::chrono::milliseconds(200);

// Prints what lies behind `position` and returns the new end.
std::streamoff print_from(const std::filesystem::path& path, std::streamoff position) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(position);
  std::array<char, 65536> buffer{};
  while (file.read(buffer.data(), buffer.size()) || file.gcount() > 0) {
    print({buffer.data(), static_cast<std::size_t>(file.gcount())});
    position += file.gcount();
  }
  flush_output();
  return position;
}

}  // namespace

void print_file(const std::filesystem::path& path) {
  print_from(path, 0);
}

void follow_file(const std::filesystem::path& path, const std::function<bool()>& goes_on) {
  std::streamoff position = 0;
  while (goes_on()) {
    position = print_from(path, position);
    std::this_thread::sleep_for(kPause);
  }
  print_from(path, position);
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
