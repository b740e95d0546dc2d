// A data set in CIFAR-10's binary form. An input is one byte that says what follows, and then a plain archive (0), a
// packed archive (1), or one batch that stands for all (2).

#include "datasets/cifar.h"

#include <algorithm>

#include "tests/fuzz/input_file.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

std::filesystem::path write_data_set(std::uint8_t form, std::string_view contents) {
  switch (form % 3) {
    case 0:
      return write_input("batches.tar", contents);
    case 1:
      return write_input("batches.tar.gz", contents);
    default:
      for (const std::string_view batch : kCifarBatches) {
        write_input(std::string(batch), contents);
      }
      return input_folder().path();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr ImageShape kShape{.channels = 3, .height = 1, .width = 2};
  constexpr std::int64_t kClasses = 10;
  if (size == 0) {
    return 0;
  }
  const std::filesystem::path location = write_data_set(data[0], as_text(data + 1, size - 1));
  try {
    const Dataset dataset = read_cifar_dataset(location, kShape, kClasses);
    const DatasetPart train = dataset.train();
    require(train.count() == kCifarTrainBatches * dataset.test().count(), "each batch has as many images");
    require(train.count() > 0 && std::ranges::max(train.labels) < kClasses, "each label is a class");
  } catch (const DatasetError&) {
  }
  return 0;
}
