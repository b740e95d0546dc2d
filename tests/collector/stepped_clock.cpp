// Preloaded into a program: the time of day is an hour back from when the file exists that STEPPED_CLOCK names.

#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

extern "C" int clock_gettime(clockid_t clock, struct timespec* time) {
  using Function = int (*)(clockid_t, struct timespec*);
  static const auto original = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = original(clock, time);
  const char* sign = std::getenv("STEPPED_CLOCK");
  if (clock == CLOCK_REALTIME && sign != nullptr && access(sign, F_OK) == 0) {
    time->tv_sec -= 3600;
  }
  return result;
}
