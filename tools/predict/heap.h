#pragma once

// The heap as glibc keeps it for large blocks: the smallest free chunk that is large enough, split; freed neighbours
// join; what fits nowhere moves the heap's end. So the pages that tensors touch can be told, which are more than their
// bytes: a hole between two living blocks helps only what fits into it.
// Source: glibc 2.36, malloc/malloc.c (_int_malloc, _int_free, sysmalloc).

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace memtrack {

class Heap {
 public:
  using Block = std::size_t;
  // Blocks from so many bytes on are mapped and unmapped one by one: the trainer sets it so (M_MMAP_THRESHOLD).
  static constexpr std::int64_t kMapFrom = std::int64_t{32} << 20;

  Block take(std::int64_t bytes);
  void give(Block block);
  // Taken and given back at once.
  void touch(std::int64_t bytes) { give(take(bytes)); }

  std::int64_t held_bytes() const { return held_; }
  std::int64_t most_held_bytes() const { return most_held_; }
  // Of the heap and of blocks mapped beside it, at most at a time. The heap's end is never given back.
  std::int64_t most_resident_bytes() const { return most_resident_; }
  void forget_most() { most_held_ = held_; }

 private:
  struct Place {
    std::int64_t bytes = 0;
    std::int64_t address = 0;
    std::int64_t chunk = 0;  // bytes with the allocator's own
    bool is_mapped = false;
  };

  std::int64_t find_room(std::int64_t chunk);
  void add_free(std::int64_t address, std::int64_t chunk);

  std::vector<Place> blocks_;
  std::map<std::int64_t, std::int64_t> free_;  // address -> bytes; no two touch
  std::int64_t end_ = 0, highest_end_ = 0;
  std::int64_t mapped_ = 0;
  std::int64_t held_ = 0, most_held_ = 0, most_resident_ = 0;
};

}  // namespace memtrack
