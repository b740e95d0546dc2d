#include "collector/signals.h"

#include <sys/signalfd.h>

#include <cerrno>
#include <system_error>

namespace memtrack {

CollectorSignals::CollectorSignals(bool in_foreground) {
  // Ignored, it would reap the command behind our back.
  std::signal(SIGCHLD, SIG_DFL);
  sigset_t taken;
  sigemptyset(&taken);
  sigaddset(&taken, SIGCHLD);
  sigaddset(&taken, SIGTERM);
  sigset_t blocked = taken;
  sigaddset(&taken, SIGHUP);
  // In the foreground these come from the terminal, which sends them to the command as well.
  for (const int signal : {SIGINT, SIGQUIT}) {
    sigaddset(in_foreground ? &blocked : &taken, signal);
  }
  for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGQUIT}) {
    sigaddset(&blocked, signal);
  }
  sigaddset(&blocked, SIGPIPE);
  sigprocmask(SIG_BLOCK, &blocked, &original_mask_);
  descriptor_ = FileDescriptor(signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor_) {
    throw std::system_error(errno, std::generic_category(), "cannot make a signal descriptor");
  }
}

std::optional<int> CollectorSignals::take() {
  signalfd_siginfo info{};
  if (read(descriptor_.get(), &info, sizeof info) != sizeof info) {
    return std::nullopt;
  }
  return static_cast<int>(info.ssi_signo);
}

}  // namespace memtrack
