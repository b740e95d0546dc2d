#pragma once

// Trainings within a test: the built library, and an observer to be overridden where a test listens.

#include <string>

#include "datasets/dataset.h"
#include "trainer/training.h"

namespace memtrack::testing {

class SilentObserver : public TrainingObserver {
 public:
  void on_phase(std::string_view) override {}
  void on_built(std::int64_t, std::int64_t) override {}
  void on_step(const StepProgress&) override {}
  void on_epoch(const EpochResult&) override {}
  bool should_stop() const override { return false; }
};

// With one thread.
inline TrainingLibrary load_library() {
  return TrainingLibrary(std::string(MEMTRACK_BUILD_DIR) + "/libexec/memtrack/memtrack-training.so", 1);
}

// Loaded once for all tests of a process.
inline const TrainingLibrary& library() {
  static const TrainingLibrary loaded = load_library();
  return loaded;
}

// Views into `dataset`, which has to outlive them.
inline TrainingData data_of(const Dataset& dataset) {
  return {dataset.shape(), dataset.classes(), dataset.train(), dataset.test()};
}

}  // namespace memtrack::testing
