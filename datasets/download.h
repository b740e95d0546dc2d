#pragma once

// Downloading a dataset's published files to where the readers look for them: DATA/mnist/train-images-idx3-ubyte.gz.
// A file lies under its name only when its contents have been found right; until then it is NAME.part, which a later
// download continues.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/catalog.h"
#include "datasets/http_client.h"

namespace memtrack {

// What a download could not do, in one sentence, with the remedy.
class DownloadError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct DownloadSettings {
  std::filesystem::path data_directory;
  std::vector<std::string> mirrors;  // folders of files, asked in this order: mirrors_of() in download_plan.h
  HttpLimits limits;
  std::function<void(std::chrono::seconds)> pause;  // between two tries
};

struct DownloadedBytes {
  std::string_view file;
  std::int64_t bytes = 0;  // on the disk
  std::optional<std::int64_t> total_bytes;
};

// Who wants to know how it goes.
struct DownloadWatcher {
  std::function<void(const DownloadedBytes&)> on_bytes;      // with each piece, some thousand a second
  std::function<void(const std::string& line)> on_finished;  // "mnist: t10k-labels-idx1-ubyte.gz: downloaded ..."
  std::function<void(const std::string& line)> on_trouble;   // what is tried again, and why
};

// Files whose contents are right already are left alone, others are replaced. Throws DownloadError at the first file
// that is not to be had, or cannot be kept (no room, another download in the folder).
void download_dataset(const DatasetDescription& description, const DownloadSettings& settings,
                      const DownloadWatcher& watcher);

}  // namespace memtrack
