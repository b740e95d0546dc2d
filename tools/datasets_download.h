#pragma once

// `memtrack datasets download`: what is told while files come.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/catalog.h"

namespace memtrack {

struct ArrivingFile {
  std::string_view name;
  std::int64_t bytes = 0;                   // on the disk
  std::optional<std::int64_t> total_bytes;  // of the whole file, where the server told
  std::int64_t bytes_before = 0;            // on the disk when this download began
  double seconds = 0;                       // since then
};

// As wide as it is: StatusLine cuts it.
// "train-images-idx3-ubyte.gz [########------------]  42%  1.53 MiB/s  ETA 3.42 s", without a total
// "train-images-idx3-ubyte.gz 3.97 MiB  1.53 MiB/s".
std::string arriving_line(const ArrivingFile& file);

// One after the other, a line each file on standard output; trouble, and on a terminal the progress, on standard error.
// `mirror_flag`: "" where there is none; then MEMTRACK_MIRROR counts. Throws DownloadError, DatasetError.
void download_datasets(const std::vector<const DatasetDescription*>& datasets, const std::string& mirror_flag);

}  // namespace memtrack
