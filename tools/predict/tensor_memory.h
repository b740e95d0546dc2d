#pragma once

// What the tensors of a training hold, from first principles: the built-in trainer's own step, taken apart into the
// tensors that LibTorch makes and frees in it. Exact for fully connected networks with every optimizer, activation and
// dropout (tests hold it against the trainer's own count); convolutions go through oneDNN, whose buffers are rounded up
// to whole blocks of channels and are estimated. docs/predict.md shows the step.

#include <cstdint>

#include "datasets/catalog.h"
#include "sweeps/trainer_parameters.h"

namespace memtrack {

struct TensorPrediction {
  std::int64_t dataset_bytes = 0;  // as bytes, with its labels
  std::int64_t batch_bytes = 0;    // one batch as numbers, and the order of the images
  std::int64_t parameters_bytes = 0;
  std::int64_t gradients_bytes = 0;
  std::int64_t optimizer_state_bytes = 0;
  std::int64_t activations_bytes = 0;  // and workspace, when the sum of all is largest
  std::int64_t scattered_bytes = 0;    // images of convolutions, each smaller than what malloc maps by itself
  std::int64_t resident_bytes = 0;  // of all but the dataset, as the allocator lays them out: not less than their sum
  std::int64_t data_bytes() const { return dataset_bytes + batch_bytes; }
  std::int64_t peak_bytes() const {
    return data_bytes() + parameters_bytes + gradients_bytes + optimizer_state_bytes + activations_bytes;
  }
  bool is_exact = true;  // no convolutions
};

// Of training and evaluation, whichever is larger.
TensorPrediction predict_tensors(const TrainerOptions& options, const DatasetDescription& data);

}  // namespace memtrack
