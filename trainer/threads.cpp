#include "trainer/threads.h"

#include <sched.h>

#include <algorithm>

namespace memtrack {
namespace {

constexpr double kMultiplicationsPerThread = 50e6;
constexpr double kClasses = 10;

// Of one image, forwards. Real numbers: the widest networks that may be asked for are beyond the range of whole ones.
double multiplications(const TrainerOptions& options, ImageShape shape) {
  double count = 0;
  for (const auto& [channels, kernel] : options.conv_layers) {
    count += static_cast<double>(shape.image_bytes()) * static_cast<double>(kernel * kernel * channels);
    shape = {channels, shape.height / 2, shape.width / 2};
  }
  auto inputs = static_cast<double>(shape.image_bytes());
  for (const std::int64_t width : options.hidden_layers) {
    count += inputs * static_cast<double>(width);
    inputs = static_cast<double>(width);
  }
  return count + inputs * kClasses;
}

}  // namespace

std::int64_t default_threads(const TrainerOptions& options, const ImageShape& shape, std::int64_t cores) {
  const double step = static_cast<double>(options.batch_size) * multiplications(options, shape);
  return static_cast<std::int64_t>(std::clamp(step / kMultiplicationsPerThread, 1.0, static_cast<double>(cores)));
}

std::int64_t usable_cores() {
  cpu_set_t cores;
  return ::sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
}

}  // namespace memtrack
