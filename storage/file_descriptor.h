#pragma once

#include <unistd.h>

#include <utility>

namespace memtrack {

// Owns an open descriptor. Whoever opens one says close-on-exec.
class FileDescriptor {
 public:
  FileDescriptor() = default;  // none
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileDescriptor() { reset(); }

  explicit operator bool() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }
  // The caller's from then on.
  int release() { return std::exchange(descriptor_, -1); }
  void reset() {
    if (descriptor_ >= 0) {
      close(release());
    }
  }

 private:
  int descriptor_ = -1;
};

}  // namespace memtrack
