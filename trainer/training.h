#pragma once

// The training loop, and what it tells while it runs. The loop lives in a library of its own, memtrack-training.so, the
// only one that is linked with LibTorch; memtrack-trainer loads it once its options and its dataset are known to be
// there. So wrong input is answered in milliseconds rather than after LibTorch's start-up (0.4 s), and OpenBLAS, which
// reads its number of threads once, when it is loaded, finds the number of this trial.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/dataset.h"
#include "sweeps/event.h"
#include "sweeps/trainer_parameters.h"

namespace memtrack {

struct TrainingData {
  ImageShape shape;
  std::int64_t classes = 0;
  DatasetPart train;
  DatasetPart test;
};

struct StepProgress {
  std::int64_t epoch = 1;  // from 1
  std::int64_t step = 1;   // from 1, within the epoch
  std::int64_t steps = 1;  // of an epoch
  double mean_loss = 0;    // over the epoch's images so far
};

struct EpochResult {
  std::int64_t epoch = 1;
  std::int64_t steps = 0;
  double train_loss = 0;     // mean over the images, each at its own step; NaN or infinite where one step's was
  double test_accuracy = 0;  // share of the test images, 0 to 1
  double seconds = 0;        // training and evaluation
  double train_seconds = 0;  // training alone
  bool is_complete = true;   // false: stopped in the middle, and no test_accuracy
};

// Memory that was asked for and not given.
struct FailedAllocation {
  std::int64_t bytes = 0;
  std::string place;  // "phase train, backward pass of layer hidden1"
};

struct TrainingResult {
  std::int64_t parameter_count = 0;
  std::int64_t threads = 0;  // as LibTorch says
  std::vector<EpochResult> epochs;
  bool was_stopped = false;
  std::optional<FailedAllocation> failed_allocation;  // it ended the training; what is above is from before
};

// What the tensors held, see docs/tensors.md.
struct TensorFigures {
  std::int64_t bytes = 0;             // of all, at the end
  std::int64_t peak_bytes = 0;        // of all at once; the peaks of kinds may be of different moments
  std::vector<TensorMemory> tensors;  // each kind, where it is known layer by layer; what was never there is left out
  bool operator==(const TensorFigures&) const = default;
};

// A phase that has ended.
struct PhaseTensors {
  std::string_view phase;
  std::optional<std::int64_t> epoch;  // of train and evaluate
  TensorFigures figures;
};

class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  virtual void on_phase(std::string_view name) = 0;  // build, train, evaluate; train again
  virtual void on_built(std::int64_t parameter_count, std::int64_t threads) = 0;
  virtual void on_step(const StepProgress& progress) = 0;
  virtual void on_epoch(const EpochResult& result) = 0;
  virtual bool should_stop() const = 0;  // asked after each step

  virtual bool wants_tensors() const { return true; }        // false: nothing is counted, and on_tensors is not called
  virtual void on_tensors(const PhaseTensors& /*ended*/) {}  // before the next on_phase or on_epoch
};

// What computes, as it says itself. Not a hyperparameter, but two runs are alike only where this is.
struct ComputeSettings {
  std::int64_t threads = 0;                  // LibTorch's
  std::optional<std::int64_t> blas_threads;  // none: a BLAS other than OpenBLAS, which does not say
  std::string blas = {};                     // "OpenBLAS 0.3.21 ... Cooperlake MAX_THREADS=64"; empty: it does not say
  std::string blas_library = {};             // file that multiplies matrices
  std::string libtorch = {};                 // "1.13.1"
};

class TrainingLibrary {
 public:
  // Loads memtrack-training.so from `path` into the process, for good, with `threads` threads for OpenBLAS and OpenMP.
  // Throws std::runtime_error.
  TrainingLibrary(const std::filesystem::path& path, std::int64_t threads);

  ComputeSettings compute_settings() const;

  // Convolutions if asked, multilayer perceptron, cross entropy; all that is random is drawn from options.seed: the
  // same options and data give the same losses bit by bit on the same machine. options.threads 0: as many as the
  // library was loaded with. Throws what LibTorch throws, but not a failed
  // allocation.
  TrainingResult train(const TrainerOptions& options, const TrainingData& data, TrainingObserver& observer) const;

 private:
  using TrainFunction = void (*)(const TrainerOptions*, const TrainingData*, TrainingObserver*, TrainingResult*);
  std::int64_t threads_;
  void* handle_;
  TrainFunction train_;
};

// Beside the running program.
std::filesystem::path training_library_path();

}  // namespace memtrack
