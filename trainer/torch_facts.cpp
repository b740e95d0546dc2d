// What LibTorch says of itself, told to the program that loads memtrack-training.so.

#include <ATen/Parallel.h>
#include <torch/version.h>

#include "trainer/training.h"

extern "C" void memtrack_torch_facts(std::int64_t* threads, const char** version) {
  *threads = at::get_num_threads();
  *version = TORCH_VERSION;
}
