#include <cstdio>
#include <cstdlib>
#include <exception>

#include "collector/collector.h"
#include "storage/shortage.h"

int main(int argc, char** argv) {
  bool in_foreground = false;
  try {
    const memtrack::CollectorOptions options = memtrack::parse_collector_options(argc, argv);
    in_foreground = options.in_foreground;
    return memtrack::run_collector(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "memtrack-collector: %s\n", error.what());
    return in_foreground ? 125 : memtrack::may_pass(error) ? memtrack::kShortageExitCode : EXIT_FAILURE;
  }
}
