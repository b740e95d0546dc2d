#include "datasets/dataset.h"

namespace memtrack {
namespace {

std::unique_ptr<std::uint8_t[]> uninitialised_bytes(std::int64_t bytes) {
  return std::make_unique_for_overwrite<std::uint8_t[]>(static_cast<std::size_t>(bytes));
}

template <typename Byte>
std::span<Byte> stretch(Byte* begin, std::int64_t offset, std::int64_t size) {
  return {begin + offset, static_cast<std::size_t>(size)};
}

}  // namespace

Dataset::Dataset(ImageShape shape, std::int64_t classes, std::int64_t train_count, std::int64_t test_count)
    : shape_(shape),
      classes_(classes),
      train_count_(train_count),
      test_count_(test_count),
      pixels_(uninitialised_bytes((train_count + test_count) * shape.image_bytes())),
      labels_(uninitialised_bytes(train_count + test_count)) {}

WritablePart Dataset::writable_train() {
  return {stretch(pixels_.get(), 0, train_count_ * shape_.image_bytes()), stretch(labels_.get(), 0, train_count_)};
}

WritablePart Dataset::writable_test() {
  return {stretch(pixels_.get(), train_count_ * shape_.image_bytes(), test_count_ * shape_.image_bytes()),
          stretch(labels_.get(), train_count_, test_count_)};
}

DatasetPart Dataset::train() const {
  return {stretch<const std::uint8_t>(pixels_.get(), 0, train_count_ * shape_.image_bytes()),
          stretch<const std::uint8_t>(labels_.get(), 0, train_count_)};
}

DatasetPart Dataset::test() const {
  return {stretch<const std::uint8_t>(pixels_.get(), train_count_ * shape_.image_bytes(),
                                      test_count_ * shape_.image_bytes()),
          stretch<const std::uint8_t>(labels_.get(), train_count_, test_count_)};
}

}  // namespace memtrack
