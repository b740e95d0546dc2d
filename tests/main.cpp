#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#if defined(__SANITIZE_ADDRESS__)
// Freed memory is kept from reuse up to 4 MiB and not 256: tests that fork at each of hundreds of statements copied and
// faulted in those pages each time, half of their time.
extern "C" const char* __asan_default_options() {
  return "quarantine_size_mb=4";
}
#endif
