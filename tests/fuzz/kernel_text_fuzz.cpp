// Files of /proc and /sys/fs/cgroup: each parser over any text.

#include "tests/collector/sane_figures.h"
#include "tests/fuzz/fuzz.h"

using namespace memtrack::testing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view absurd = absurd_parser(as_text(data, size));
  require(absurd.empty(), absurd.data());
  return 0;
}
