#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

#include "trainer/training.h"

namespace memtrack {

namespace {

template <typename Function>
Function* find_function(void* library, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(library, name));
}

// The file that sgemm, the product of two matrices, comes from; empty where it is part of LibTorch itself.
std::string file_of_sgemm(void* library) {
  Dl_info info{};
  void* symbol = ::dlsym(library, "sgemm_");
  if (symbol == nullptr || ::dladdr(symbol, &info) == 0) return "";
  std::error_code unresolved;
  const std::filesystem::path file = std::filesystem::canonical(info.dli_fname, unresolved);
  return unresolved ? info.dli_fname : file.string();
}

}  // namespace

TrainingLibrary::TrainingLibrary(const std::filesystem::path& path, std::int64_t threads) : threads_(threads) {
  const std::string count = std::to_string(threads);
  ::setenv("OPENBLAS_NUM_THREADS", count.c_str(), 1);
  ::setenv("OMP_NUM_THREADS", count.c_str(), 1);
  // Two pools that spin while they wait take the cores from each other: both sleep instead, OpenBLAS's after 2^4 turns.
  ::setenv("OMP_WAIT_POLICY", "passive", 0);
  ::setenv("OPENBLAS_THREAD_TIMEOUT", "4", 0);
  handle_ = ::dlopen(path.c_str(), RTLD_LAZY | RTLD_NODELETE);
  void* symbol = handle_ ? ::dlsym(handle_, "memtrack_train") : nullptr;
  if (symbol == nullptr) {
    throw std::runtime_error(fmt::format(
        "{} cannot be loaded: {}; it belongs beside memtrack-trainer and needs LibTorch", path.string(), ::dlerror()));
  }
  train_ = reinterpret_cast<TrainFunction>(symbol);
}

ComputeSettings TrainingLibrary::compute_settings() const {
  ComputeSettings settings;
  const char* version = nullptr;
  find_function<void(std::int64_t*, const char**)>(handle_, "memtrack_torch_facts")(&settings.threads, &version);
  settings.libtorch = version;
  settings.blas_library = file_of_sgemm(handle_);
  // Debian's LibTorch is linked with OpenBLAS for other things too, whoever multiplies matrices.
  const bool is_openblas = settings.blas_library.find("openblas") != std::string::npos;
  auto* threads = find_function<int()>(handle_, "openblas_get_num_threads");
  auto* config = find_function<const char*()>(handle_, "openblas_get_config");
  if (is_openblas && threads != nullptr) settings.blas_threads = threads();
  if (is_openblas && config != nullptr) settings.blas = config();
  return settings;
}

TrainingResult TrainingLibrary::train(const TrainerOptions& options, const TrainingData& data,
                                      TrainingObserver& observer) const {
  TrainerOptions resolved = options;
  if (resolved.threads == 0) resolved.threads = threads_;
  TrainingResult result;
  train_(&resolved, &data, &observer, &result);
  return result;
}

std::filesystem::path training_library_path() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "memtrack-training.so";
}

}  // namespace memtrack
