#pragma once

// What the fuzz targets share. Each is one function over any bytes, called millions of times in one process:
//
//   extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
//
// It may take its input or refuse it with the error that is documented; libFuzzer reports whatever else it does: a
// crash, another exception, a sanitizer's finding, an input that takes seconds or hundreds of MiB, and what require()
// is told.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace memtrack::testing {

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

}  // namespace memtrack::testing
