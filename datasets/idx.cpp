#include "datasets/idx.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "datasets/byte_source.h"
#include "datasets/labels.h"

namespace memtrack {
namespace {

constexpr std::uint32_t kImagesMagic = 0x00000803;  // unsigned bytes, three dimensions
constexpr std::uint32_t kLabelsMagic = 0x00000801;  // unsigned bytes, one dimension

std::uint32_t read_number(ByteSource& source) {
  std::array<std::uint8_t, 4> bytes{};
  source.read_exactly(bytes, "the IDX header");
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

void expect_magic(ByteSource& source, std::uint32_t expected, std::string_view what) {
  const std::uint32_t magic = read_number(source);
  if (magic != expected) {
    source.fail_at(0,
                   fmt::format("the magic number is 0x{:08x}, but IDX {} begin with 0x{:08x}", magic, what, expected));
  }
}

void expect_dimension(ByteSource& source, std::int64_t expected, std::string_view what) {
  const std::int64_t offset = source.offset();
  const std::int64_t found = read_number(source);
  if (found != expected)
    source.fail_at(offset, fmt::format("the images have {} {}, expected {}", found, what, expected));
}

// One half of a dataset: its image file and its label file, both open behind their headers.
struct OpenPart {
  std::unique_ptr<ByteSource> images;
  std::unique_ptr<ByteSource> labels;
  std::int64_t count = 0;
};

// A header may claim any count: no more memory is asked for than the file can fill.
void check_count(const ByteSource& source, std::int64_t count, std::int64_t item_bytes, std::string_view items) {
  if (count == 0) source.fail_at(4, fmt::format("the header says that there are no {}", items));
  const std::int64_t most = (source.most_bytes_possible() - source.offset()) / item_bytes;
  if (count > most) {
    source.fail_at(4, fmt::format("the header says {} {}, but a file of this size holds {} at most: the file is "
                                  "truncated or its header damaged",
                                  count, items, most));
  }
}

OpenPart open_part(const std::filesystem::path& images, const std::filesystem::path& labels, const ImageShape& shape) {
  OpenPart part;
  part.images = open_byte_source(images);
  expect_magic(*part.images, kImagesMagic, "images");
  part.count = read_number(*part.images);
  expect_dimension(*part.images, shape.height, "rows");
  expect_dimension(*part.images, shape.width, "columns");
  check_count(*part.images, part.count, shape.image_bytes(), "images");

  part.labels = open_byte_source(labels);
  expect_magic(*part.labels, kLabelsMagic, "labels");
  const std::int64_t label_count = read_number(*part.labels);
  check_count(*part.labels, label_count, 1, "labels");
  if (label_count != part.count) {
    part.labels->fail_at(
        4, fmt::format("there are {} labels, but {} images in {}", label_count, part.count, part.images->name()));
  }
  return part;
}

void read_part(OpenPart& part, WritablePart target, std::int64_t classes) {
  part.images->read_exactly(target.pixels, "the pixels");
  part.images->expect_end();
  const std::int64_t labels_begin = part.labels->offset();
  part.labels->read_exactly(target.labels, "the labels");
  part.labels->expect_end();
  expect_labels_in_range(target.labels, classes, *part.labels, labels_begin, 1);
}

}  // namespace

Dataset read_idx_dataset(const IdxFiles& files, const ImageShape& shape, std::int64_t classes) {
  OpenPart train = open_part(files.train_images, files.train_labels, shape);
  OpenPart test = open_part(files.test_images, files.test_labels, shape);
  Dataset dataset(shape, classes, train.count, test.count);
  read_part(train, dataset.writable_train(), classes);
  read_part(test, dataset.writable_test(), classes);
  return dataset;
}

}  // namespace memtrack
