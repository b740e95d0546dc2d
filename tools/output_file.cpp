#include "tools/output_file.h"

#include <fmt/format.h>

#include <string>

#include "storage/new_file.h"
#include "tools/exit_codes.h"
#include "tools/text.h"

namespace memtrack {
namespace {

namespace fs = std::filesystem;

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
  if (!force) throw UsageError(fmt::format("{} exists; --force replaces it", escape_controls(path.string())));
}

void write_output_file(const fs::path& path, std::string_view contents, bool force) {
  check_output_file(path, force);
  NewFile file(target_of(path), force);
  file.write(contents);
  file.finish();
}

}  // namespace memtrack
