#include "datasets/download_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace memtrack {
namespace {

constexpr int kMostFailures = 4;
constexpr std::int64_t kGoodPieceBytes = 1 << 20;
constexpr std::chrono::seconds kLongestPause{60};

}  // namespace

std::vector<std::string> mirrors_of(const DatasetDescription& description, const std::string& own_mirror) {
  if (own_mirror.empty()) return {description.mirrors.begin(), description.mirrors.end()};
  const bool has_host = (own_mirror.starts_with("http://") && own_mirror.size() > 7) ||
                        (own_mirror.starts_with("https://") && own_mirror.size() > 8);
  if (!has_host) {
    throw DatasetError(
        fmt::format("the mirror '{}' is no URL of a folder: it would have to be like http://host/data, "
                    "with mnist/, fashion-mnist/ and cifar-10/ below it",
                    own_mirror));
  }
  return {file_url(own_mirror, description.name)};
}

std::string file_url(std::string_view folder_url, std::string_view name) {
  while (folder_url.ends_with('/')) folder_url.remove_suffix(1);
  return fmt::format("{}/{}", folder_url, name);
}

bool Patience::allows_another(std::int64_t new_bytes) {
  failures_ = new_bytes >= kGoodPieceBytes ? 1 : failures_ + 1;
  return failures_ < kMostFailures;
}

std::chrono::seconds Patience::pause(std::chrono::seconds asked) const {
  const std::chrono::seconds own{1 << std::max(failures_ - 1, 0)};
  return std::min(std::max(own, asked), kLongestPause);
}

}  // namespace memtrack
