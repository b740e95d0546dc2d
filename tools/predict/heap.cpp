#include "tools/predict/heap.h"

#include <algorithm>
#include <iterator>

namespace memtrack {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kHeaders = 64 + 16;  // the trainer's counting allocator's and glibc's
// posix_memalign() looks for a chunk with room for the alignment by 64 bytes and for a smallest chunk, and gives back
// what is over: a hole of just the size that a block of the same size left is not enough.
constexpr std::int64_t kAlignmentRoom = 64 + 32;

std::int64_t rounded_up(std::int64_t bytes, std::int64_t to) {
  return (bytes + to - 1) / to * to;
}

}  // namespace

Heap::Block Heap::take(std::int64_t bytes) {
  Place place{.bytes = bytes};
  place.is_mapped = bytes >= kMapFrom;
  place.chunk = rounded_up(bytes + kHeaders, place.is_mapped ? kPage : 64);
  if (place.is_mapped) {
    mapped_ += place.chunk;
  } else {
    place.address = find_room(place.chunk);
  }
  held_ += bytes;
  most_held_ = std::max(most_held_, held_);
  most_resident_ = std::max(most_resident_, highest_end_ + mapped_);
  blocks_.push_back(place);
  return blocks_.size() - 1;
}

std::int64_t Heap::find_room(std::int64_t chunk) {
  auto best = free_.end();
  for (auto hole = free_.begin(); hole != free_.end(); ++hole) {
    if (hole->second >= chunk + kAlignmentRoom && (best == free_.end() || hole->second < best->second)) best = hole;
  }
  if (best == free_.end()) {
    end_ += chunk;
    highest_end_ = std::max(highest_end_, end_);
    return end_ - chunk;
  }
  const auto [address, size] = *best;
  free_.erase(best);
  if (size > chunk) free_.emplace(address + chunk, size - chunk);
  return address;
}

void Heap::give(Block block) {
  const Place& place = blocks_[block];
  held_ -= place.bytes;
  if (place.is_mapped) {
    mapped_ -= place.chunk;
  } else {
    add_free(place.address, place.chunk);
  }
}

void Heap::add_free(std::int64_t address, std::int64_t chunk) {
  auto after = free_.lower_bound(address);
  if (after != free_.end() && address + chunk == after->first) {
    chunk += after->second;
    after = free_.erase(after);
  }
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == address) {
      address = before->first;
      chunk += before->second;
      free_.erase(before);
    }
  }
  if (address + chunk == end_) {
    end_ = address;
  } else {
    free_.emplace(address, chunk);
  }
}

}  // namespace memtrack
