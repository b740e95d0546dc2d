#include "trainer/batches.h"

#include <cmath>

namespace memtrack {
namespace {

using ByteCounts = std::array<std::int64_t, 256>;

ChannelStatistics statistics_of(const ByteCounts& counts) {
  // Sums of integers: exact for any dataset that fits into memory.
  std::int64_t count = 0, sum = 0, sum_of_squares = 0;
  for (std::int64_t byte = 0; byte < 256; ++byte) {
    const std::int64_t times = counts[static_cast<std::size_t>(byte)];
    count += times;
    sum += times * byte;
    sum_of_squares += times * byte * byte;
  }
  const double mean = static_cast<double>(sum) / static_cast<double>(count);
  const double variance = static_cast<double>(sum_of_squares) / static_cast<double>(count) - mean * mean;
  const double deviation = variance > 0 ? std::sqrt(variance) / 255 : 1;
  return {mean / 255, deviation};
}

}  // namespace

std::vector<ChannelStatistics> channel_statistics(const DatasetPart& training, const ImageShape& shape) {
  std::vector<ByteCounts> counts(static_cast<std::size_t>(shape.channels), ByteCounts{});
  const auto plane_bytes = static_cast<std::size_t>(shape.plane_bytes());
  std::size_t channel = 0;
  for (std::size_t begin = 0; begin < training.pixels.size(); begin += plane_bytes) {
    for (const std::uint8_t byte : training.pixels.subspan(begin, plane_bytes)) ++counts[channel][byte];
    channel = (channel + 1) % counts.size();
  }
  std::vector<ChannelStatistics> statistics;
  for (const ByteCounts& channel_counts : counts) statistics.push_back(statistics_of(channel_counts));
  return statistics;
}

Standardiser::Standardiser(std::span<const ChannelStatistics> channels) {
  for (const ChannelStatistics& channel : channels) {
    auto& table = tables_.emplace_back();
    for (std::size_t byte = 0; byte < table.size(); ++byte) {
      table[byte] = static_cast<float>((static_cast<double>(byte) / 255 - channel.mean) / channel.deviation);
    }
  }
}

void gather_batch(const DatasetPart& part, const ImageShape& shape, const Standardiser& standardiser,
                  std::span<const std::int64_t> indices, std::span<float> inputs, std::span<std::int64_t> labels) {
  const auto image_bytes = static_cast<std::size_t>(shape.image_bytes());
  const auto plane_bytes = static_cast<std::size_t>(shape.plane_bytes());
  float* target = inputs.data();
  for (std::size_t row = 0; row < indices.size(); ++row) {
    const auto image = static_cast<std::size_t>(indices[row]);
    const std::uint8_t* source = part.pixels.data() + image * image_bytes;
    for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
      for (std::size_t i = 0; i < plane_bytes; ++i) *target++ = standardiser.value(channel, *source++);
    }
    labels[row] = part.labels[image];
  }
}

}  // namespace memtrack
