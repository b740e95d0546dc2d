#include "datasets/labels.h"

#include <fmt/format.h>

#include <algorithm>

namespace memtrack {

void expect_labels_in_range(std::span<const std::uint8_t> labels, std::int64_t classes, const ByteSource& source,
                            std::int64_t first_offset, std::int64_t stride) {
  const auto wrong = std::ranges::find_if(labels, [classes](std::uint8_t label) { return label >= classes; });
  if (wrong == labels.end()) return;
  const std::int64_t index = wrong - labels.begin();
  source.fail_at(first_offset + index * stride,
                 fmt::format("the label of image {} is {}, but labels go from 0 to {}", index, *wrong, classes - 1));
}

}  // namespace memtrack
