#include "tools/status_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <set>

#include "tools/look_pause.h"
#include "tools/signal_watch.h"
#include "tools/terminal.h"

namespace memtrack {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPause(1000);

void print_changed(const std::vector<std::string>& lines, std::set<std::string>& told) {
  for (const std::string& line : lines) {
    if (!told.contains(line)) {
      print(line + "\n");
    }
  }
  told = {lines.begin(), lines.end()};
}

}  // namespace

std::string RedrawnText::step_to(std::string_view text, std::size_t height) {
  std::string step = lines_ > 0 ? fmt::format("\x1b[{}A\r", lines_) : "";
  for (lines_ = 0; !text.empty() && lines_ + 1 < std::max<std::size_t>(height, 2); ++lines_) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    step += "\x1b[2K" + std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return step + "\x1b[J";
}

int watch_status(const WatchedStatus& status) {
  const SignalWatch signals({SIGINT, SIGTERM, SIGWINCH});
  RedrawnText drawn;
  std::set<std::string> told;
  while (true) {
    const auto begin = steady_clock::now();
    if (output_is_terminal()) {
      print(drawn.step_to(status.screen(), output_height()));
    } else {
      print_changed(status.lines(), told);
    }
    flush_output();
    const auto look = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
    const int signal = signals.wait_for(pause_after(look, kPause));
    if (signal == SIGINT || signal == SIGTERM) {
      return 128 + signal;
    }
  }
}

}  // namespace memtrack
