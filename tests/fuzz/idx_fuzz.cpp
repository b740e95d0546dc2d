// A data set in IDX files. An input is one byte that says how it is cut, then the image file, then the label file:
// bits 0 to 6: the label file's bytes; bit 7: both are gzip.

#include "datasets/idx.h"

#include <algorithm>

#include "tests/fuzz/input_file.h"

using namespace memtrack;
using namespace memtrack::testing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr ImageShape kShape{.channels = 1, .height = 2, .width = 3};
  constexpr std::int64_t kClasses = 10;
  if (size == 0) {
    return 0;
  }
  const std::string_view contents = as_text(data + 1, size - 1);
  const std::size_t label_bytes = std::min<std::size_t>(data[0] & 0x7F, contents.size());
  const std::string extension = data[0] & 0x80 ? ".gz" : "";
  const auto images = write_input("images" + extension, contents.substr(0, contents.size() - label_bytes));
  const auto labels = write_input("labels" + extension, contents.substr(contents.size() - label_bytes));
  try {
    const Dataset dataset = read_idx_dataset({images, labels, images, labels}, kShape, kClasses);
    const DatasetPart train = dataset.train();
    require(train.count() > 0 && train.count() == dataset.test().count(), "a data set has images");
    require(std::ranges::max(train.labels) < kClasses, "each label is a class");
  } catch (const DatasetError&) {
  }
  return 0;
}
