#pragma once

// From tensor bytes to the resident memory that the kernel will count: the start of LibTorch, the heap that the tensors
// need, and an interval. docs/predict.md explains the model; in short, peak resident memory is
//
//   start + a * heap + b * activations + c * dataset + d * scattered images of convolutions
//
// with a, c and d near 1 and b near 0. A calibration holds what is believed of these numbers, and how firmly: built in
// from measurements elsewhere, and sharpened by each trial that this machine has measured (Bayesian linear regression).

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <string>

#include "tools/predict/tensor_memory.h"
#include "tools/statistics.h"

namespace memtrack {

inline constexpr int kMemoryTerms = 5;
using MemoryTerms = Eigen::Matrix<double, kMemoryTerms, 1>;

// 1, MiB of the heap that the tensors need, of activations, of the dataset, of scattered images of convolutions.
MemoryTerms memory_terms(const TensorPrediction& tensors);

struct MeasuredPeak {
  TensorPrediction tensors;
  double peak_mib = 0;  // resident, by the kernel's own mark
};

class Calibration {
 public:
  static Calibration built_in();

  // With these trials of this machine. Trials are independent readings.
  Calibration with(std::span<const MeasuredPeak> trials) const;

  std::int64_t trials() const { return trials_; }
  // The fixed part: LibTorch and the program itself, MiB.
  double start_mib() const { return coefficients_[0]; }

  struct Peak {
    double mib = 0;
    Interval interval = {};  // 95%: of the next trial, not of the mean
  };
  Peak predict(const TensorPrediction& tensors) const;

 private:
  MemoryTerms coefficients_ = MemoryTerms::Zero();
  Eigen::Matrix<double, kMemoryTerms, kMemoryTerms> precision_ = {};  // of the coefficients, in units of the noise's
  double noise_sum_ = 0;                                              // degrees * variance of a reading, see noise_of()
  double noise_degrees_ = 0;
  std::int64_t trials_ = 0;
};

}  // namespace memtrack
