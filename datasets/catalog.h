#pragma once

// The datasets that we know, where their files lie, loading and verifying them.
// Files keep the names that they have at their source:
//   DATA/mnist/train-images-idx3-ubyte.gz       (or without .gz; likewise fashion-mnist)
//   DATA/cifar-10/cifar-10-batches-bin/*.bin    (or DATA/cifar-10/cifar-10-binary.tar.gz)
// DATA: $MEMTRACK_DATA_DIR, else $XDG_DATA_HOME/memtrack/datasets, else ~/.local/share/memtrack/datasets.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/dataset.h"

namespace memtrack {

// One stretch of a dataset's contents, as it is when unpacked: a whole IDX file, a whole batch of CIFAR-10.
struct DatasetContent {
  std::string_view name;    // at its source: "train-images-idx3-ubyte.gz", "data_batch_1.bin"
  std::int64_t bytes;       // unpacked
  std::string_view sha256;  // of the unpacked bytes, 64 hexadecimal digits
};

enum class DatasetFormat { idx, cifar, generated };

struct DatasetDescription {
  std::string_view name;   // "mnist": also the name of its folder
  std::string_view title;  // "MNIST: handwritten digits, grey"
  DatasetFormat format;
  ImageShape shape;
  std::int64_t train_count;
  std::int64_t test_count;
  std::span<const std::string_view> class_names;  // in the order of the labels
  std::span<const DatasetContent> contents;
  std::string_view home;                      // where its makers publish it; empty for generated data
  std::span<const std::string_view> mirrors;  // URLs of folders that hold the files, to be tried in this order
};

// mnist, fashion-mnist, cifar-10, generated-mnist, generated-cifar-10.
std::span<const DatasetDescription> dataset_catalog();

// A file as it lies at its source, packed.
struct PublishedFile {
  std::string_view name;    // "train-images-idx3-ubyte.gz", "cifar-10-binary.tar.gz"
  std::int64_t most_bytes;  // packing cannot make it larger
};
// Empty for generated data.
std::vector<PublishedFile> published_files(const DatasetDescription& description);

// Throws DatasetError naming all known datasets.
const DatasetDescription& describe_dataset(std::string_view name);

// From the environment, see above. Throws DatasetError where neither of these variables nor HOME is set.
std::filesystem::path data_directory();

struct FoundFile {
  std::filesystem::path path;
  std::int64_t bytes;  // on disk, as packed as it lies there
};

// What of a dataset lies in a data directory. Nothing is opened but the directory.
struct FoundDataset {
  std::filesystem::path folder;      // DATA/mnist; empty for generated data
  std::vector<FoundFile> files;      // what loading would read
  std::vector<std::string> missing;  // names at the source; empty: complete
  bool is_complete() const { return missing.empty(); }
};
FoundDataset find_dataset(const DatasetDescription& description, const std::filesystem::path& data_directory);

// The file that holds just this content, packed or not; nullopt where there is none (an archive may still hold it).
std::optional<FoundFile> find_content(const DatasetDescription& description, const DatasetContent& content,
                                      const std::filesystem::path& data_directory);

// One sentence for an incomplete dataset: what is missing, where it belongs, and where to get it.
std::string missing_text(const DatasetDescription& description, const FoundDataset& found);

// `error`, which names file and offset, with what to do about it.
std::string damaged_text(const DatasetDescription& description, std::string_view error);

// The outcome for one content. Faults of a file are told here, not thrown.
struct VerifiedContent {
  std::string_view name;       // as in the description
  std::filesystem::path path;  // the file or archive that holds it; empty: missing or generated
  std::string sha256;          // of what lies there; empty where it could not be read to its end
  std::string_view expected;   // from the description
  std::string error;           // why it could not be read, with the remedy; empty otherwise
  bool is_right() const { return error.empty() && sha256 == expected; }
};

// Reads every content to its end, in constant memory, and compares sha256 of the unpacked bytes: plain files, .gz,
// folder and archive of the same data give the same digests. One entry a content, in the description's order.
std::vector<VerifiedContent> verify_dataset(const DatasetDescription& description,
                                            const std::filesystem::path& data_directory);

// Why the file at `path` is not the one that is published as `name`, by sha256 of its unpacked contents; nullopt: it
// is.
std::optional<std::string> published_file_fault(const DatasetDescription& description, std::string_view name,
                                                const std::filesystem::path& path);

// Reads straight into the one buffer: the peak while loading is the dataset and less than 1 MiB. Throws DatasetError.
// Counts need not be the catalogue's (a shortened copy of the same format loads), shapes and labels do.
Dataset load_dataset(const DatasetDescription& description, const std::filesystem::path& data_directory);

}  // namespace memtrack
