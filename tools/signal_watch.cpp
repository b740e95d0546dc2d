#include "tools/signal_watch.h"

#include <ctime>

namespace memtrack {
namespace {

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

SignalWatch::SignalWatch(std::initializer_list<int> signals) {
  sigemptyset(&watched_);
  for (const int signal : signals) {
    if (signal == SIGCHLD) {
      std::signal(SIGCHLD, SIG_DFL);  // ignored, it would take our children's exit codes away
    }
    if (!is_ignored(signal)) {
      sigaddset(&watched_, signal);
    }
  }
  sigprocmask(SIG_BLOCK, &watched_, &before_);
}

SignalWatch::~SignalWatch() {
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

int SignalWatch::wait() const {
  int signal = 0;
  while ((signal = sigwaitinfo(&watched_, nullptr)) < 0) {
    // EINTR: stopped and continued
  }
  return signal;
}

int SignalWatch::wait_for(std::chrono::milliseconds duration) const {
  const timespec limit = {.tv_sec = duration.count() / 1000, .tv_nsec = duration.count() % 1000 * 1'000'000};
  const int signal = sigtimedwait(&watched_, nullptr, &limit);
  return signal < 0 ? 0 : signal;
}

}  // namespace memtrack
