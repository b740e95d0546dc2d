#include <fmt/format.h>

#include <algorithm>

#include "datasets/byte_source.h"
#include "datasets/catalog.h"
#include "datasets/cifar.h"
#include "datasets/sha256.h"

namespace memtrack {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = 65536;

std::string digest_to_end(ByteSource& source) {
  Sha256 digest;
  std::vector<std::uint8_t> piece(kPieceBytes);
  while (const std::size_t count = source.read(piece)) digest.add(std::span(piece).first(count));
  return digest.finish();
}

// One file a content: what is missing or damaged does not keep the others from being checked.
void verify_files(const DatasetDescription& description, const fs::path& data_directory, const FoundDataset& found,
                  std::vector<VerifiedContent>& contents) {
  for (std::size_t i = 0; i < contents.size(); ++i) {
    const auto file = find_content(description, description.contents[i], data_directory);
    if (!file) {
      contents[i].error = missing_text(description, found);
      continue;
    }
    contents[i].path = file->path;
    try {
      contents[i].sha256 = digest_to_end(*open_byte_source(file->path));
    } catch (const DatasetError& error) {
      contents[i].error = damaged_text(description, error.what());
    }
  }
}

void verify_archive(const DatasetDescription& description, const fs::path& archive,
                    std::vector<VerifiedContent>& contents) {
  for (VerifiedContent& content : contents) content.path = archive;
  try {
    visit_cifar_batches(archive, [&contents](std::size_t batch, ByteSource& source, std::int64_t) {
      contents[batch].sha256 = digest_to_end(source);
    });
  } catch (const DatasetError& error) {
    // A fault at the archive's end makes all of it doubtful.
    for (VerifiedContent& content : contents) content.error = damaged_text(description, error.what());
  }
}

// nullopt: as published.
std::optional<std::string> content_fault(const DatasetContent& content, ByteSource& source) {
  const std::string sha256 = digest_to_end(source);
  if (sha256 == content.sha256) return std::nullopt;
  return fmt::format("{}: sha256 of its contents is {}, and would have to be {}", content.name, sha256, content.sha256);
}

std::string digest_dataset(const Dataset& dataset) {
  Sha256 digest;
  for (const DatasetPart& part : {dataset.train(), dataset.test()}) {
    digest.add(part.pixels);
    digest.add(part.labels);
  }
  return digest.finish();
}

}  // namespace

std::vector<VerifiedContent> verify_dataset(const DatasetDescription& description, const fs::path& data_directory) {
  std::vector<VerifiedContent> contents;
  for (const DatasetContent& content : description.contents) {
    contents.push_back({content.name, {}, {}, content.sha256, {}});
  }
  if (description.format == DatasetFormat::generated) {
    contents.front().sha256 = digest_dataset(load_dataset(description, data_directory));
    return contents;
  }
  const FoundDataset found = find_dataset(description, data_directory);
  const bool is_archive = found.files.size() == 1 && description.format == DatasetFormat::cifar && found.is_complete();
  if (is_archive) {
    verify_archive(description, found.files.front().path, contents);
  } else {
    verify_files(description, data_directory, found, contents);
  }
  return contents;
}

std::optional<std::string> published_file_fault(const DatasetDescription& description, std::string_view name,
                                                const fs::path& path) {
  std::optional<std::string> fault;
  try {
    if (description.format == DatasetFormat::cifar) {
      visit_cifar_batches(path, [&](std::size_t batch, ByteSource& source, std::int64_t) {
        if (!fault) fault = content_fault(description.contents[batch], source);
      });
      return fault;
    }
    const auto content = std::ranges::find(description.contents, name, &DatasetContent::name);
    return content_fault(*content, *open_byte_source(path));
  } catch (const DatasetError& error) {
    return error.what();
  }
}

}  // namespace memtrack
