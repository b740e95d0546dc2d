#include "storage/reading_uri.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cctype>
#include <string_view>

#include "storage/file_system.h"

namespace memtrack {
namespace fs = std::filesystem;

bool has_log(const fs::path& database) {
  return fs::exists(database.string() + "-wal") || fs::exists(database.string() + "-journal");
}

bool may_write(const fs::path& database) {
  const auto file_system = file_system_of(fs::absolute(database));
  return !(file_system && network_name(*file_system)) && access(database.c_str(), W_OK) == 0 &&
         access(fs::absolute(database).parent_path().c_str(), W_OK) == 0;
}

std::string reading_uri(const fs::path& database) {
  constexpr std::string_view kPlain = "/._-";
  std::string uri = "file:";
  for (const char c : fs::absolute(database).string()) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || kPlain.find(c) != std::string_view::npos;
    uri += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri + (has_log(database) || may_write(database) ? "?mode=ro" : "?mode=ro&immutable=1");
}

}  // namespace memtrack
