#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "trainer/training.h"

namespace memtrack {

TrainingLibrary::TrainingLibrary(const std::filesystem::path& path, std::int64_t threads) {
  const std::string count = std::to_string(threads);
  ::setenv("OPENBLAS_NUM_THREADS", count.c_str(), 1);
  ::setenv("OMP_NUM_THREADS", count.c_str(), 1);
  // Two pools that spin while they wait take the cores from each other.
  ::setenv("OMP_WAIT_POLICY", "passive", 0);
  void* library = ::dlopen(path.c_str(), RTLD_LAZY | RTLD_NODELETE);
  void* symbol = library ? ::dlsym(library, "memtrack_train") : nullptr;
  if (symbol == nullptr) {
    throw std::runtime_error(fmt::format(
        "{} cannot be loaded: {}; it belongs beside memtrack-trainer and needs LibTorch", path.string(), ::dlerror()));
  }
  train_ = reinterpret_cast<TrainFunction>(symbol);
}

TrainingResult TrainingLibrary::train(const TrainerOptions& options, const TrainingData& data,
                                      TrainingObserver& observer) const {
  TrainingResult result;
  train_(&options, &data, &observer, &result);
  return result;
}

std::filesystem::path training_library_path() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "memtrack-training.so";
}

}  // namespace memtrack
