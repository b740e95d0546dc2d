#include "datasets/catalog.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "datasets/cifar.h"

namespace memtrack {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCifarFolder = "cifar-10-batches-bin";
constexpr std::string_view kCifarArchive = "cifar-10-binary.tar.gz";
constexpr std::string_view kUnpackedCifarArchive = "cifar-10-binary.tar";
// Bounds what gzip (5 bytes a block of 16 KiB at worst) and tar (1 KiB a member at most) add to the contents.
constexpr std::int64_t kMostPackingBytes = 1 << 20;

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::optional<FoundFile> find_file(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  const std::uintmax_t bytes = fs::file_size(path, error);
  if (error) return std::nullopt;
  return FoundFile{path, static_cast<std::int64_t>(bytes)};
}

// CIFAR-10's archive as downloaded, else unpacked to a plain tar.
std::optional<FoundFile> find_cifar_archive(const fs::path& folder) {
  if (auto packed = find_file(folder / kCifarArchive)) return packed;
  return find_file(folder / kUnpackedCifarArchive);
}

// "cifar-10-batches-bin/test_batch.bin", "t10k-labels-idx1-ubyte.gz"
fs::path path_at_source(const DatasetDescription& description, const DatasetContent& content) {
  if (description.format == DatasetFormat::cifar) return fs::path(kCifarFolder) / content.name;
  return content.name;
}

}  // namespace

std::vector<PublishedFile> published_files(const DatasetDescription& description) {
  std::vector<PublishedFile> files;
  if (description.format == DatasetFormat::generated) return files;
  if (description.format == DatasetFormat::cifar) files.push_back({kCifarArchive, kMostPackingBytes});
  for (const DatasetContent& content : description.contents) {
    if (description.format == DatasetFormat::cifar) {
      files.front().most_bytes += content.bytes;
    } else {
      files.push_back({content.name, content.bytes + kMostPackingBytes});
    }
  }
  return files;
}

const DatasetDescription& describe_dataset(std::string_view name) {
  const auto catalog = dataset_catalog();
  const auto found = std::ranges::find(catalog, name, &DatasetDescription::name);
  if (found != catalog.end()) return *found;
  std::vector<std::string_view> names;
  for (const DatasetDescription& description : catalog) names.push_back(description.name);
  throw DatasetError(fmt::format("there is no dataset '{}'; known are {}", name, fmt::join(names, ", ")));
}

fs::path data_directory() {
  if (const auto own = environment("MEMTRACK_DATA_DIR")) return *own;
  if (const auto data = environment("XDG_DATA_HOME")) return fs::path(*data) / "memtrack/datasets";
  if (const auto home = environment("HOME")) return fs::path(*home) / ".local/share/memtrack/datasets";
  throw DatasetError("no folder for datasets: set MEMTRACK_DATA_DIR (XDG_DATA_HOME and HOME are not set either)");
}

std::optional<FoundFile> find_content(const DatasetDescription& description, const DatasetContent& content,
                                      const fs::path& data_directory) {
  if (description.format == DatasetFormat::generated) return std::nullopt;
  const fs::path path = data_directory / description.name / path_at_source(description, content);
  if (auto original = find_file(path)) return original;
  if (path.extension() != ".gz") return std::nullopt;
  return find_file(fs::path(path).replace_extension());
}

FoundDataset find_dataset(const DatasetDescription& description, const fs::path& data_directory) {
  FoundDataset found;
  if (description.format == DatasetFormat::generated) return found;
  found.folder = data_directory / description.name;
  for (const DatasetContent& content : description.contents) {
    if (auto file = find_content(description, content, data_directory)) {
      found.files.push_back(*file);
    } else {
      found.missing.push_back(path_at_source(description, content).string());
    }
  }
  if (description.format != DatasetFormat::cifar || found.is_complete()) return found;
  if (auto archive = find_cifar_archive(found.folder)) return {found.folder, {*archive}, {}};
  if (found.files.empty()) found.missing = {std::string(kCifarArchive)};
  return found;
}

std::string missing_text(const DatasetDescription& description, const FoundDataset& found) {
  return fmt::format(
      "{}: the dataset {} is not there: {} missing; `memtrack datasets download {}` gets it from its makers, {} "
      "(docs/datasets.md), or use --dataset=generated-{}, which needs no files",
      found.folder.string(), description.name, fmt::join(found.missing, ", "), description.name, description.home,
      description.shape.channels == 1 ? "mnist" : "cifar-10");
}

std::string damaged_text(const DatasetDescription& description, std::string_view error) {
  return fmt::format(
      "{}; get the file anew with `memtrack datasets download {}`, and check all of them with `memtrack "
      "datasets verify {}`",
      error, description.name, description.name);
}

}  // namespace memtrack
