#pragma once

// Ctrl-C for commands that have something to put away first: a file that is half written.

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "storage/query_stop.h"
#include "tools/exit_codes.h"
#include "tools/signal_watch.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {

class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("stopped; nothing was left half done") {}
};

class Interruption {
 public:
  // Ctrl-C, or the end that a system asks for.
  bool has_come() const { return signals_.wait_for(std::chrono::milliseconds(0)) != 0; }
  // Throws Interrupted where it has come.
  void check() const {
    if (has_come()) throw Interrupted();
  }

 private:
  SignalWatch signals_{SIGINT, SIGTERM};
};

// For work in steps: draws how far it is ("3 of 7 trials"), and throws Interrupted where that has come.
inline auto progress_watch(const Interruption& interruption, StatusLine& status, std::string what) {
  return [&interruption, &status, what = std::move(what)](std::int64_t done, std::int64_t all) {
    interruption.check();
    status.draw(fmt::format("{} {} of {} {}", progress_bar(static_cast<double>(done) / static_cast<double>(all)), done,
                            all, what));
  };
}

// What `work` returns, or the exit code of an interruption, which is said. `work` gets the Interruption.
template <typename Work>
int until_interrupted(Work&& work) {
  const Interruption interruption;
  try {
    return work(interruption);
  } catch (const Interrupted& interrupted) {
    say(std::string("memtrack: ") + interrupted.what());
  } catch (const QueryEnded&) {
    say(std::string("memtrack: ") + Interrupted().what());
  }
  return kInterrupted;
}

}  // namespace memtrack
