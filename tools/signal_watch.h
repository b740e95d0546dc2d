#pragma once

#include <chrono>
#include <csignal>
#include <initializer_list>

namespace memtrack {

// Takes signals when it is asked to instead of whenever they come: they stay blocked as long as it lives. Those that
// our starter told us to ignore (nohup, a shell's background) stay ignored.
class SignalWatch {
 public:
  explicit SignalWatch(std::initializer_list<int> signals);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  int wait() const;                                        // the next signal
  int wait_for(std::chrono::milliseconds duration) const;  // 0: none came
  const sigset_t& mask_before() const { return before_; }  // for programs that we start

 private:
  sigset_t watched_{};
  sigset_t before_{};
};

}  // namespace memtrack
