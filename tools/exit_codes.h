#pragma once

// What memtrack says by its exit code. `memtrack run` has its own: the command's, or kRunFailed where we failed.

#include <stdexcept>

namespace memtrack {

inline constexpr int kRight = 0;
inline constexpr int kFailed = 1;         // it ran and failed
inline constexpr int kUsage = 2;          // wrong usage or input
inline constexpr int kNoDaemon = 3;       // the daemon is needed and is not there
inline constexpr int kRunFailed = 125;    // `memtrack run`: as env(1) and timeout(1)
inline constexpr int kInterrupted = 130;  // Ctrl-C

// Wrong usage or input: what() is one sentence that says what would be right.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace memtrack
