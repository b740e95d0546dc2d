#pragma once

// CIFAR-10, binary version: five training batches and one test batch of 10,000 records of 3,073 bytes each:
// 1 label byte, then 1,024 red, 1,024 green and 1,024 blue bytes, row by row. In a folder, or still in the archive.

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "datasets/byte_source.h"
#include "datasets/dataset.h"

namespace memtrack {

inline constexpr std::int64_t kCifarTrainBatches = 5;
inline constexpr std::array<std::string_view, 6> kCifarBatches = {"data_batch_1.bin", "data_batch_2.bin",
                                                                  "data_batch_3.bin", "data_batch_4.bin",
                                                                  "data_batch_5.bin", "test_batch.bin"};

// Where the batches are, from the first file found: the archive itself, or the folder of a batch file.
std::filesystem::path cifar_location(const std::filesystem::path& file);

// Called once for each batch file with its index in kCifarBatches, its contents and their size in bytes.
using CifarBatchVisitor = std::function<void(std::size_t batch, ByteSource& source, std::int64_t bytes)>;

// `location`: a folder that holds the six files, or a tar archive (plain or gzip) that does, in any order and in any
// folder. Throws DatasetError where one is missing, comes twice, or the archive is damaged.
void visit_cifar_batches(const std::filesystem::path& location, const CifarBatchVisitor& visit);

// All six files must hold equally many records. Throws DatasetError.
Dataset read_cifar_dataset(const std::filesystem::path& location, const ImageShape& shape, std::int64_t classes);

}  // namespace memtrack
