#include "datasets/generated.h"

#include <algorithm>
#include <vector>

namespace memtrack {
namespace {

constexpr std::int64_t kPrototypesPerClass = 2;
constexpr std::int64_t kGridCells = 7;  // a prototype is a grid of random values, this many cells a side, smoothed
constexpr std::int64_t kMostShift = 2;  // pixels
constexpr std::int64_t kMiddle = 128;
constexpr std::int64_t kLeastPercent = 50;  // strength of the image's own pattern
constexpr std::int64_t kNoisePercent = 55;  // of noise with a standard deviation of 148 grey levels

// SplitMix64 (Steele, Lea, Flood 2014): each seed gives the same numbers everywhere.
class RandomBits {
 public:
  explicit RandomBits(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t bits = state_ += 0x9e3779b97f4a7c15;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
  }
  // In [0, bound); the bias of the remainder is below 2^-50 for the bounds used here.
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(bound));
  }

 private:
  std::uint64_t state_;
};

// Four bytes added up: nearly normal, mean 0, standard deviation 148.
std::int64_t noise(std::uint32_t bits) {
  return static_cast<std::int64_t>((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24)) - 510;
}

// Values around 0, one a pixel and channel, in an image_bytes() stretch.
using Prototype = std::vector<std::int64_t>;

// Bilinear interpolation in 1/256 steps between the cells of a random grid.
void fill_plane(RandomBits& random, const ImageShape& shape, std::span<std::int64_t> plane) {
  std::vector<std::int64_t> grid(static_cast<std::size_t>((kGridCells + 1) * (kGridCells + 1)));
  for (std::int64_t& cell : grid) cell = random.below(256) - kMiddle;
  const auto cell_at = [&grid](std::int64_t row, std::int64_t column) {
    return grid[static_cast<std::size_t>(row * (kGridCells + 1) + column)];
  };
  for (std::int64_t y = 0; y < shape.height; ++y) {
    const std::int64_t grid_y = y * kGridCells * 256 / shape.height;
    for (std::int64_t x = 0; x < shape.width; ++x) {
      const std::int64_t grid_x = x * kGridCells * 256 / shape.width;
      const std::int64_t row = grid_y / 256, column = grid_x / 256, fy = grid_y % 256, fx = grid_x % 256;
      const std::int64_t above = cell_at(row, column) * (256 - fx) + cell_at(row, column + 1) * fx;
      const std::int64_t below = cell_at(row + 1, column) * (256 - fx) + cell_at(row + 1, column + 1) * fx;
      plane[static_cast<std::size_t>(y * shape.width + x)] = (above * (256 - fy) + below * fy) / 65536;
    }
  }
}

std::vector<Prototype> make_prototypes(RandomBits& random, const ImageShape& shape, std::int64_t classes) {
  const auto plane_bytes = static_cast<std::size_t>(shape.plane_bytes());
  std::vector<Prototype> prototypes(static_cast<std::size_t>(classes * kPrototypesPerClass));
  for (Prototype& prototype : prototypes) {
    prototype.resize(static_cast<std::size_t>(shape.image_bytes()));
    for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
      fill_plane(random, shape,
                 std::span(prototype).subspan(static_cast<std::size_t>(channel) * plane_bytes, plane_bytes));
    }
  }
  return prototypes;
}

// A pattern as it appears in one image.
struct Appearance {
  const Prototype& prototype;
  std::int64_t percent;
};

void draw_image(RandomBits& random, const ImageShape& shape, const Appearance& own, const Appearance& other,
                std::span<std::uint8_t> image) {
  const std::int64_t shift_y = random.below(2 * kMostShift + 1) - kMostShift;
  const std::int64_t shift_x = random.below(2 * kMostShift + 1) - kMostShift;
  std::uint64_t bits = 0;
  std::size_t index = 0;
  for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
    for (std::int64_t y = 0; y < shape.height; ++y) {
      const std::int64_t from_y = std::clamp<std::int64_t>(y + shift_y, 0, shape.height - 1);
      for (std::int64_t x = 0; x < shape.width; ++x, ++index) {
        const std::int64_t from_x = std::clamp<std::int64_t>(x + shift_x, 0, shape.width - 1);
        const auto from = static_cast<std::size_t>((channel * shape.height + from_y) * shape.width + from_x);
        bits = index % 2 == 0 ? random.next() : bits >> 32;
        const std::int64_t value = own.prototype[from] * own.percent + other.prototype[from] * other.percent +
                                   noise(static_cast<std::uint32_t>(bits)) * kNoisePercent;
        image[index] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(kMiddle + value / 100, 0, 255));
      }
    }
  }
}

// Equally many of each class, as far as they go, in a random order (Fisher-Yates).
void shuffle_labels(RandomBits& random, std::int64_t classes, std::span<std::uint8_t> labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = static_cast<std::uint8_t>(i % static_cast<std::size_t>(classes));
  }
  for (std::size_t i = labels.size(); i > 1; --i) {
    std::swap(labels[i - 1], labels[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i)))]);
  }
}

}  // namespace

Dataset generate_dataset(const ImageShape& shape, std::int64_t classes, const GeneratedCounts& counts,
                         std::uint64_t seed) {
  RandomBits random(seed);
  const std::vector<Prototype> prototypes = make_prototypes(random, shape, classes);
  Dataset dataset(shape, classes, counts.train, counts.test);
  const auto image_bytes = static_cast<std::size_t>(shape.image_bytes());
  const auto draw_prototype = [&](std::int64_t label) -> const Prototype& {
    return prototypes[static_cast<std::size_t>(label * kPrototypesPerClass + random.below(kPrototypesPerClass))];
  };
  for (const WritablePart& part : {dataset.writable_train(), dataset.writable_test()}) {
    shuffle_labels(random, classes, part.labels);
    for (std::size_t i = 0; i < part.labels.size(); ++i) {
      const std::int64_t own = part.labels[i];
      const std::int64_t other = (own + 1 + random.below(classes - 1)) % classes;
      const std::int64_t percent = kLeastPercent + random.below(101 - kLeastPercent);
      const std::int64_t other_percent = random.below(percent * 7 / 10);
      draw_image(random, shape, {draw_prototype(own), percent}, {draw_prototype(other), other_percent},
                 part.pixels.subspan(i * image_bytes, image_bytes));
    }
  }
  return dataset;
}

}  // namespace memtrack
