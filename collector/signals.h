#pragma once

#include <csignal>
#include <optional>

#include "storage/file_descriptor.h"

namespace memtrack {

// The signals that a collector lives by, as a descriptor. Made first, before any thread: those that would end us are
// blocked from then on.
class CollectorSignals {
 public:
  // In the foreground, what is typed at the terminal reaches the command by itself: SIGINT and SIGQUIT are let be.
  explicit CollectorSignals(bool in_foreground);

  int descriptor() const { return descriptor_.get(); }
  // As our starter set it.
  const sigset_t& original_mask() const { return original_mask_; }

  // The next signal that came. nullopt: none.
  std::optional<int> take();

 private:
  sigset_t original_mask_{};
  FileDescriptor descriptor_;
};

}  // namespace memtrack
