#include "tools/status_watch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <regex>
#include <sstream>

#include "storage/file_descriptor.h"
#include "storage/query.h"
#include "storage/trial_queue.h"
#include "tests/end_to_end/session.h"
#include "tests/tools/recorded_sweep.h"
#include "tools/text.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

// The real program on a terminal of 80 columns and 24 lines.
class OnTerminal {
 public:
  explicit OnTerminal(const std::filesystem::path& database) {
    winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
    int master = -1;
    child_ = forkpty(&master, nullptr, nullptr, &size);
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      setenv("TERM", "xterm", 1);
      execl(MEMTRACK_BUILD_DIR "/bin/memtrack", "memtrack", "status", "--watch", "--db", database.c_str(), nullptr);
      _exit(127);
    }
    master_ = FileDescriptor(master);
  }
  ~OnTerminal() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
  }
  OnTerminal(const OnTerminal&) = delete;
  OnTerminal& operator=(const OnTerminal&) = delete;

  // All that was drawn so far, once it holds `part`.
  const std::string& drawn_with(const std::string& part) {
    while (drawn_.find(part) == std::string::npos) {
      pollfd ready{.fd = master_.get(), .events = POLLIN, .revents = 0};
      REQUIRE(poll(&ready, 1, 60'000) == 1);
      char buffer[4096];
      const ssize_t count = read(master_.get(), buffer, sizeof buffer);
      INFO(drawn_);
      REQUIRE(count > 0);
      drawn_.append(buffer, static_cast<std::size_t>(count));
    }
    return drawn_;
  }

  termios mode() const {
    termios mode{};
    REQUIRE(tcgetattr(master_.get(), &mode) == 0);
    return mode;
  }

  // Its exit code.
  int press_ctrl_c() {
    REQUIRE(write(master_.get(), "\x03", 1) == 1);
    int status = 0;
    waitpid(std::exchange(child_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t child_ = -1;
  FileDescriptor master_;
  std::string drawn_;
};

}  // namespace

TEST_CASE("a text is drawn over the one before and never higher than the terminal") {
  RedrawnText text;
  CHECK(text.step_to("one\ntwo\n", 24) == "\x1b[2Kone\n\x1b[2Ktwo\n\x1b[J");
  CHECK(text.step_to("three\n", 24) == "\x1b[2A\r\x1b[2Kthree\n\x1b[J");
  CHECK(text.step_to("1\n2\n3\n4\n", 3) == "\x1b[1A\r\x1b[2K1\n\x1b[2K2\n\x1b[J");
  CHECK(text.step_to("", 24) == "\x1b[2A\r\x1b[J");
  CHECK(text.step_to("", 24) == "\x1b[J");
}

TEST_CASE("status is drawn again on a terminal of 80 columns and Ctrl-C leaves the terminal as it was") {
  const Session session;
  setenv("XDG_RUNTIME_DIR", (session.folder() / "run").c_str(), 1);
  RecordedSweep sweep(list_sweep());
  claim_next_trial(sweep.database(), std::nullopt).trial.value();
  OnTerminal watch(sweep.path());
  const termios before = watch.mode();
  watch.drawn_with("trial 1 of sweep 1");
  cancel_queued_trials(sweep.database(), 1);
  const std::string drawn = watch.drawn_with("2 cancelled");
  CHECK(watch.press_ctrl_c() == 130);
  const termios after = watch.mode();
  CHECK(after.c_lflag == before.c_lflag);
  CHECK(after.c_iflag == before.c_iflag);
  CHECK(after.c_oflag == before.c_oflag);
  const std::string plain = std::regex_replace(drawn, std::regex("\x1b\\[[0-9]*[AJKm]|\r"), "");
  CHECK(plain.find('\x1b') == std::string::npos);  // no cursor hidden and no other screen
  std::istringstream lines(plain);
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(display_width(line) <= 80);
  }
}

TEST_CASE("where no terminal is redrawn status prints a line for each change until it is ended") {
  const Session session;
  RecordedSweep sweep(list_sweep());
  const std::string watched =
      session.output_of(fmt::format("memtrack status --watch --db {0} > out & pid=$!\n"
                                    "until grep -q '3 queued' out; do sleep 0.05; done\n"
                                    "sqlite3 {0} \"UPDATE trials SET state = 'cancelled'\"\n"
                                    "until grep -q '3 cancelled' out; do sleep 0.05; done\n"
                                    "kill $pid; wait $pid; echo exit $? >> out; cat out",
                                    sweep.path().string()));
  CHECK(watched == "sweep 1 'small list' queued: 3 queued\nsweep 1 'small list' cancelled: 3 cancelled\nexit 143\n");
}
