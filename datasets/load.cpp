#include "datasets/catalog.h"
#include "datasets/cifar.h"
#include "datasets/generated.h"
#include "datasets/idx.h"

namespace memtrack {
namespace {

constexpr std::uint64_t kGeneratedSeed = 1;

Dataset load_files(const DatasetDescription& description, const FoundDataset& found, std::int64_t classes) {
  if (description.format == DatasetFormat::cifar) {
    return read_cifar_dataset(cifar_location(found.files.front().path), description.shape, classes);
  }
  return read_idx_dataset({found.files[0].path, found.files[1].path, found.files[2].path, found.files[3].path},
                          description.shape, classes);
}

}  // namespace

Dataset load_dataset(const DatasetDescription& description, const std::filesystem::path& data_directory) {
  const auto classes = static_cast<std::int64_t>(description.class_names.size());
  if (description.format == DatasetFormat::generated) {
    return generate_dataset(description.shape, classes, {description.train_count, description.test_count},
                            kGeneratedSeed);
  }
  const FoundDataset found = find_dataset(description, data_directory);
  if (!found.is_complete()) throw DatasetError(missing_text(description, found));
  try {
    return load_files(description, found, classes);
  } catch (const DatasetError& error) {
    throw DatasetError(damaged_text(description, error.what()));
  }
}

}  // namespace memtrack
