// A sweep file.

#include "tests/fuzz/expansion.h"

using namespace memtrack;
using namespace memtrack::testing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    parse_and_expand(as_text(data, size), {}, {{"PATH", "/usr/bin"}});
  } catch (const SweepError&) {
  }
  return 0;
}
