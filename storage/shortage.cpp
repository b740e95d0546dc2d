#include "storage/shortage.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <system_error>

#include "storage/database.h"
#include "storage/paths.h"

namespace memtrack {

bool is_shortage(int error_number) {
  constexpr std::array kShortages = {EAGAIN, EDQUOT, EIO, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC, EROFS};
  return std::find(kShortages.begin(), kShortages.end(), error_number) != kShortages.end();
}

bool may_pass(const std::exception& error) {
  if (const auto* storage = dynamic_cast<const StorageError*>(&error)) {
    return storage->is_transient();
  }
  if (const auto* system = dynamic_cast<const std::system_error*>(&error)) {
    const std::error_category& category = system->code().category();
    return (category == std::generic_category() || category == std::system_category()) &&
           is_shortage(system->code().value());
  }
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         dynamic_cast<const NoRuntimeDirectory*>(&error) != nullptr;
}

}  // namespace memtrack
