#pragma once

namespace memtrack::testing {

// What a program ends with that has run out of descriptors and goes on: a sanitizer's last look for leaks takes some.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr int kEndWithoutDescriptors = 1;
#else
inline constexpr int kEndWithoutDescriptors = 0;
#endif

}  // namespace memtrack::testing
