#pragma once

// `memtrack status --watch`: looks again every second until SIGINT or SIGTERM.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace memtrack {

// A text of several lines on a terminal, drawn again in the same place. No mode of the terminal is changed, so that
// there is nothing to restore however we end.
class RedrawnText {
 public:
  // What takes it from the text before to `text`, of which it shows `height` - 1 lines at most; each line must fit the
  // terminal's width.
  std::string step_to(std::string_view text, std::size_t height);

 private:
  std::size_t lines_ = 0;
};

struct WatchedStatus {
  std::function<std::string()> screen;              // for a terminal: all of it, as wide as output_width()
  std::function<std::vector<std::string>()> lines;  // otherwise: one for each sweep; those that changed are printed
};

// 128 + the signal that ended it.
int watch_status(const WatchedStatus& status);

}  // namespace memtrack
