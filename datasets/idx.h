#pragma once

// IDX, the format of MNIST and Fashion-MNIST: big-endian 32-bit magic number, one 32-bit length a dimension, then
// bytes.
//   images: 00 00 08 03, count, rows, columns, pixels    labels: 00 00 08 01, count, labels

#include <filesystem>

#include "datasets/dataset.h"

namespace memtrack {

struct IdxFiles {
  std::filesystem::path train_images;
  std::filesystem::path train_labels;
  std::filesystem::path test_images;
  std::filesystem::path test_labels;
};

// Each file plain, or gzip where its name ends in .gz. `shape` is what the images must have. Throws DatasetError.
Dataset read_idx_dataset(const IdxFiles& files, const ImageShape& shape, std::int64_t classes);

}  // namespace memtrack
