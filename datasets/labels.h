#pragma once

#include <cstdint>
#include <span>

#include "datasets/byte_source.h"

namespace memtrack {

// Throws DatasetError at the first label that is not in [0, classes). Label i was read at byte first_offset + i *
// stride of `source`.
void expect_labels_in_range(std::span<const std::uint8_t> labels, std::int64_t classes, const ByteSource& source,
                            std::int64_t first_offset, std::int64_t stride);

}  // namespace memtrack
