#pragma once

#include <cstdint>

#include "datasets/dataset.h"

namespace memtrack {

struct GeneratedCounts {
  std::int64_t train = 0;
  std::int64_t test = 0;
};

// Images that a small network learns in an epoch or two, but not at once: each class has two smooth prototypes; an
// image is one of them, moved by up to two pixels, fainter or stronger, overlaid by a fainter one of another class,
// under noise. Classes are equally frequent, their order shuffled. Integer arithmetic only: the same bytes on every
// machine for the same arguments. Takes 0.1 to 0.2 s for the catalogue's counts. At least two classes.
Dataset generate_dataset(const ImageShape& shape, std::int64_t classes, const GeneratedCounts& counts,
                         std::uint64_t seed);

}  // namespace memtrack
