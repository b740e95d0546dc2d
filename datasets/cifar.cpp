#include "datasets/cifar.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "datasets/labels.h"
#include "datasets/tar_archive.h"

namespace memtrack {
namespace {

void visit_archive(const std::filesystem::path& path, const CifarBatchVisitor& visit) {
  std::array<bool, kCifarBatches.size()> seen{};
  visit_tar_members(path, [&](const std::string& member, ByteSource& source, std::int64_t bytes) {
    const auto found = std::ranges::find(kCifarBatches, std::filesystem::path(member).filename().string());
    if (found == kCifarBatches.end()) return;
    const auto batch = static_cast<std::size_t>(found - kCifarBatches.begin());
    if (seen[batch]) throw DatasetError(fmt::format("{}: is in the archive twice", source.name()));
    seen[batch] = true;
    visit(batch, source, bytes);
  });
  for (std::size_t batch = 0; batch < seen.size(); ++batch) {
    if (!seen[batch])
      throw DatasetError(fmt::format("{}: the archive has no member {}", path.string(), kCifarBatches[batch]));
  }
}

class CifarReader {
 public:
  CifarReader(const ImageShape& shape, std::int64_t classes) : shape_(shape), classes_(classes) {}

  void read_batch(std::size_t batch, ByteSource& source, std::int64_t bytes) {
    const std::int64_t records = count_records(source, bytes);
    if (!dataset_) make_room(source, records);
    if (records != records_) {
      source.fail_at(std::min(records, records_) * record_bytes(),
                     fmt::format("the file holds {} records, but {} holds {}", records, first_name_, records_));
    }
    const bool is_training = batch < static_cast<std::size_t>(kCifarTrainBatches);
    const WritablePart part = is_training ? dataset_->writable_train() : dataset_->writable_test();
    read_records(source, part, is_training ? static_cast<std::int64_t>(batch) * records_ : 0);
    source.expect_end();
  }

  Dataset finish() && { return std::move(*dataset_); }

 private:
  std::int64_t record_bytes() const { return shape_.image_bytes() + 1; }

  std::int64_t count_records(const ByteSource& source, std::int64_t bytes) const {
    if (bytes == 0) source.fail_at(0, "the file is empty");
    if (bytes % record_bytes() != 0) {
      source.fail_at(
          bytes / record_bytes() * record_bytes(),
          fmt::format("the file ends in the middle of a record of {} bytes: it is truncated, or bytes follow "
                      "that do not belong to it",
                      record_bytes()));
    }
    return bytes / record_bytes();
  }

  void make_room(const ByteSource& source, std::int64_t records) {
    if (records > source.most_bytes_possible() / record_bytes()) {
      source.fail_at(0, fmt::format("{} records do not fit into a file of this size", records));
    }
    records_ = records;
    first_name_ = source.name();
    dataset_.emplace(shape_, classes_, kCifarTrainBatches * records, records);
  }

  void read_records(ByteSource& source, const WritablePart& part, std::int64_t first) const {
    const auto image_bytes = static_cast<std::size_t>(shape_.image_bytes());
    for (std::int64_t i = 0; i < records_; ++i) {
      const auto image = static_cast<std::size_t>(first + i);
      source.read_exactly(part.labels.subspan(image, 1), "a record");
      source.read_exactly(part.pixels.subspan(image * image_bytes, image_bytes), "a record");
    }
    expect_labels_in_range(part.labels.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(records_)),
                           classes_, source, 0, record_bytes());
  }

  ImageShape shape_;
  std::int64_t classes_;
  std::int64_t records_ = 0;
  std::string first_name_;
  std::optional<Dataset> dataset_;
};

}  // namespace

std::filesystem::path cifar_location(const std::filesystem::path& file) {
  return file.extension() == ".bin" ? file.parent_path() : file;
}

void visit_cifar_batches(const std::filesystem::path& location, const CifarBatchVisitor& visit) {
  if (!std::filesystem::is_directory(location)) return visit_archive(location, visit);
  for (std::size_t batch = 0; batch < kCifarBatches.size(); ++batch) {
    const auto source = open_byte_source(location / kCifarBatches[batch]);
    visit(batch, *source, source->most_bytes_possible());
  }
}

Dataset read_cifar_dataset(const std::filesystem::path& location, const ImageShape& shape, std::int64_t classes) {
  CifarReader reader(shape, classes);
  visit_cifar_batches(location, [&reader](std::size_t batch, ByteSource& source, std::int64_t bytes) {
    reader.read_batch(batch, source, bytes);
  });
  return std::move(reader).finish();
}

}  // namespace memtrack
