#pragma once

// From bytes to what a network takes, one batch at a time: the dataset itself is never copied to floats.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "datasets/dataset.h"

namespace memtrack {

// Mean and standard deviation of one channel over all pixels of the training images, pixels scaled to [0, 1].
// MNIST: 0.1307 and 0.3081.
struct ChannelStatistics {
  double mean = 0;
  double deviation = 1;
};

// One entry a channel, computed exactly from counts of byte values. A channel that never varies gets deviation 1.
std::vector<ChannelStatistics> channel_statistics(const DatasetPart& training, const ImageShape& shape);

// What each byte value becomes: (byte / 255 - mean) / deviation of its channel.
class Standardiser {
 public:
  explicit Standardiser(std::span<const ChannelStatistics> channels);
  float value(std::int64_t channel, std::uint8_t byte) const {
    return tables_[static_cast<std::size_t>(channel)][byte];
  }

 private:
  std::vector<std::array<float, 256>> tables_;
};

// Writes the images at `indices` to `inputs` (indices.size() x image_bytes() floats) and their labels to `labels`.
void gather_batch(const DatasetPart& part, const ImageShape& shape, const Standardiser& standardiser,
                  std::span<const std::int64_t> indices, std::span<float> inputs, std::span<std::int64_t> labels);

}  // namespace memtrack
