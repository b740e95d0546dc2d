#pragma once

// How the kernel's texts are taken apart; here, since it is done for each line of each tick. Pure.

#include <algorithm>
#include <string_view>

namespace memtrack {

// Takes what stands before the first `end` off the front of `text`, and the `end` with it; all of it where there is
// none.
inline std::string_view take_until(std::string_view& text, char end) {
  const std::size_t length = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(std::min(length + 1, text.size()));
  return taken;
}

// "cpu,memory" has "memory".
inline bool has_item(std::string_view list, char separator, std::string_view item) {
  while (!list.empty()) {
    if (take_until(list, separator) == item) {
      return true;
    }
  }
  return false;
}

}  // namespace memtrack
