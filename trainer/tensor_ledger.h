#pragma once

// How many bytes the tensors hold: kept by the allocator under LibTorch, block by block, without locks. Of LibTorch
// itself nothing is needed here.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "trainer/training.h"

namespace memtrack {

// docs/tensors.md says what each means.
enum class TensorKind : std::uint8_t { data, parameters, gradients, optimizer_state, activations };
inline constexpr std::size_t kTensorKinds = 5;

inline constexpr std::uint32_t kNoLayer = std::numeric_limits<std::uint32_t>::max();

struct TensorOwner {
  TensorKind kind = TensorKind::activations;
  std::uint32_t layer = kNoLayer;  // counted from 0
};

// One block of memory that LibTorch asked for.
struct TensorBlock {
  static constexpr std::size_t kNoBirth = std::numeric_limits<std::size_t>::max();

  std::int64_t bytes = 0;  // as asked
  TensorOwner owner = {};
  std::size_t birth = kNoBirth;  // its entry in the journal
};

class TensorCounter {
 public:
  void add(std::int64_t bytes) {
    const std::int64_t now = bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    std::int64_t peak = peak_bytes_.load(std::memory_order_relaxed);
    while (now > peak && !peak_bytes_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
    }
  }
  void forget_peak() { peak_bytes_ = bytes_.load(); }
  std::int64_t bytes() const { return bytes_; }
  std::int64_t peak_bytes() const { return peak_bytes_; }

 private:
  std::atomic<std::int64_t> bytes_ = 0;
  std::atomic<std::int64_t> peak_bytes_ = 0;
};

// open() and close() may be called by any thread, everything else while no other thread calls anything.
//
// What a block is for shows only later: a gradient is workspace of the backward pass until it becomes a parameter's
// gradient, and optimizer state comes to life within the optimizer's first step. So the first step is written down
// block by block (the journal), and counted when the owners are known: then a block has been what it became from its
// birth on, and the peaks by kind are true.
class TensorLedger {
 public:
  // Begins anew: no layers, peaks as much as there is now. `data_bytes`: held outside of LibTorch, counted as data
  // until the next call.
  void begin(std::int64_t data_bytes);

  std::uint32_t add_layer(std::string name);
  const std::string& layer_name(std::uint32_t layer) const { return layers_[layer].name; }
  const std::string& last_layer_name() const { return layers_.back().name; }

  // What blocks are from now on when they are opened.
  TensorOwner owner() const { return owner_.load(std::memory_order_relaxed); }
  void set_owner(TensorOwner owner) { owner_.store(owner, std::memory_order_relaxed); }

  // `block`: its bytes are set.
  void open(TensorBlock& block);
  void close(const TensorBlock& block);
  void assign(TensorBlock& block, TensorOwner owner);

  void start_journal();
  std::size_t journal_position() const { return journal_.size(); }
  // Of blocks that were opened since then, those that still are.
  void assign_survivors_since(std::size_t position, TensorOwner owner);
  void settle_journal();

  // The bytes now and at most since the last call, and begins to look for the next peaks.
  TensorFigures take_figures();

  void note_failure(std::int64_t bytes) { failed_bytes_ = bytes; }
  // What could not be allocated; none: nothing failed.
  std::optional<std::int64_t> failed_bytes() const;

 private:
  struct Layer {
    std::string name;
    TensorCounter parameters;
    TensorCounter gradients;
  };
  struct Movement {
    TensorBlock* block;  // nullptr: it has been closed
    TensorOwner owner;
    std::int64_t bytes;  // negative: given back
  };

  void write_down(TensorBlock& block);
  void write_down_end(const TensorBlock& block);
  void count(TensorOwner owner, std::int64_t bytes);
  TensorCounter* layer_counter(TensorOwner owner);

  TensorCounter all_;
  std::array<TensorCounter, kTensorKinds> kinds_;
  std::deque<Layer> layers_;
  std::atomic<TensorOwner> owner_ = TensorOwner();
  std::atomic<bool> has_journal_ = false;
  std::mutex journal_mutex_;
  std::vector<Movement> journal_;
  std::int64_t data_bytes_ = 0;
  std::atomic<std::int64_t> failed_bytes_ = 0;
};

// What blocks are that are opened within a scope.
class OwnerScope {
 public:
  OwnerScope(TensorLedger& ledger, TensorOwner owner) : ledger_(ledger), before_(ledger.owner()) {
    ledger_.set_owner(owner);
  }
  ~OwnerScope() { ledger_.set_owner(before_); }
  OwnerScope(const OwnerScope&) = delete;
  OwnerScope& operator=(const OwnerScope&) = delete;

 private:
  TensorLedger& ledger_;
  TensorOwner before_;
};

}  // namespace memtrack
