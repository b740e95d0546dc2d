#include "tools/predict/resident_memory.h"

#include <Eigen/Dense>
#include <cmath>

#include "tools/text.h"

namespace memtrack {
namespace {

double mib(std::int64_t bytes) {
  return static_cast<double>(bytes) / kMib;
}

// Noise grows with what is held: a reading's standard deviation, in units of that of a small training.
double spread_of(const MemoryTerms& terms) {
  return 1 + terms[1] / 100 + terms[4] / 10;
}

// What was measured on another machine (docs/benchmarks.md), and how far another machine may be from it: MiB for the
// start, shares for the rest.
constexpr double kStart = 168, kStartSpread = 20;
constexpr double kSlope = 1, kSlopeSpread = 0.05;
constexpr double kActivations = 0.1, kActivationsSpread = 0.1;  // buffers of BLAS and oneDNN, holes that stay
constexpr double kScattered = 1, kScatteredSpread = 0.3;
constexpr double kNoise = 4;         // MiB
constexpr double kNoiseDegrees = 4;  // as if seen in so many trials

}  // namespace

MemoryTerms memory_terms(const TensorPrediction& tensors) {
  MemoryTerms terms;
  terms << 1, mib(tensors.resident_bytes), mib(tensors.activations_bytes), mib(tensors.dataset_bytes),
      mib(tensors.scattered_bytes);
  return terms;
}

Calibration Calibration::built_in() {
  Calibration calibration;
  calibration.coefficients_ << kStart, kSlope, kActivations, kSlope, kScattered;
  MemoryTerms spreads;
  spreads << kStartSpread, kSlopeSpread, kActivationsSpread, kSlopeSpread, kScatteredSpread;
  calibration.precision_ = (kNoise / spreads.array()).square().matrix().asDiagonal();
  calibration.noise_sum_ = kNoiseDegrees * kNoise * kNoise;
  calibration.noise_degrees_ = kNoiseDegrees;
  return calibration;
}

// Normal-inverse-gamma, the conjugate of a linear model (Gelman et al., Bayesian Data Analysis, 3rd ed., chapter 14).
Calibration Calibration::with(std::span<const MeasuredPeak> trials) const {
  Calibration next = *this;
  MemoryTerms weighted = precision_ * coefficients_;
  double squares = noise_sum_ + coefficients_.dot(weighted);
  for (const MeasuredPeak& trial : trials) {
    const MemoryTerms terms = memory_terms(trial.tensors);
    const double spread = spread_of(terms);
    const MemoryTerms scaled = terms / spread;
    const double peak = trial.peak_mib / spread;
    next.precision_ += scaled * scaled.transpose();
    weighted += scaled * peak;
    squares += peak * peak;
  }
  next.coefficients_ = next.precision_.ldlt().solve(weighted);
  next.noise_sum_ = squares - next.coefficients_.dot(weighted);
  next.noise_degrees_ += static_cast<double>(trials.size());
  next.trials_ += static_cast<std::int64_t>(trials.size());
  return next;
}

Calibration::Peak Calibration::predict(const TensorPrediction& tensors) const {
  const MemoryTerms terms = memory_terms(tensors);
  const double spread = spread_of(terms);
  const double variance = noise_sum_ / noise_degrees_ * (spread * spread + terms.dot(precision_.ldlt().solve(terms)));
  const double half = student_quantile(0.975, noise_degrees_) * std::sqrt(variance);
  const double peak = coefficients_.dot(terms);
  return {peak, {peak - half, peak + half}};
}

}  // namespace memtrack
