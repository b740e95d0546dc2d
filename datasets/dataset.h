#pragma once

// A set of labelled images, held as bytes: one buffer of pixels and one of labels, the training part first.
// MNIST: 60,000 + 10,000 images of 1 x 28 x 28 bytes = 54.9 MB; CIFAR-10: 50,000 + 10,000 of 3 x 32 x 32 = 184.3 MB.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>

namespace memtrack {

// A dataset that is missing or damaged. The text names the file, the byte offset where one is known, and the remedy.
class DatasetError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct ImageShape {
  std::int64_t channels = 1;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t plane_bytes() const { return height * width; }
  std::int64_t image_bytes() const { return channels * height * width; }  // one byte a pixel and channel
  bool operator==(const ImageShape&) const = default;
};

// Image i is pixels[i * image_bytes ...]: channel by channel, row by row. Its class is labels[i], from 0.
struct DatasetPart {
  std::span<const std::uint8_t> pixels;
  std::span<const std::uint8_t> labels;
  std::int64_t count() const { return static_cast<std::int64_t>(labels.size()); }
};

// What a reader fills.
struct WritablePart {
  std::span<std::uint8_t> pixels;
  std::span<std::uint8_t> labels;
};

class Dataset {
 public:
  // Uninitialised, for a reader to fill. Pages are taken from the system as they are written.
  Dataset(ImageShape shape, std::int64_t classes, std::int64_t train_count, std::int64_t test_count);

  const ImageShape& shape() const { return shape_; }
  std::int64_t classes() const { return classes_; }
  DatasetPart train() const;
  DatasetPart test() const;
  // Pixels and labels of both parts together.
  std::int64_t bytes() const { return (train_count_ + test_count_) * (shape_.image_bytes() + 1); }

  WritablePart writable_train();
  WritablePart writable_test();

 private:
  ImageShape shape_;
  std::int64_t classes_;
  std::int64_t train_count_;
  std::int64_t test_count_;
  std::unique_ptr<std::uint8_t[]> pixels_;
  std::unique_ptr<std::uint8_t[]> labels_;
};

}  // namespace memtrack
