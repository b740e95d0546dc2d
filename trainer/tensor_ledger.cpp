#include "trainer/tensor_ledger.h"

#include <string_view>
#include <utility>

namespace memtrack {
namespace {

constexpr std::array<std::string_view, kTensorKinds> kNames = {"data", "parameters", "gradients", "optimizer_state",
                                                               "activations"};

std::string name_of(TensorKind kind) {
  return std::string(kNames[static_cast<std::size_t>(kind)]);
}

TensorMemory memory_of(TensorKind kind, std::string layer, const TensorCounter& counter) {
  return {name_of(kind), std::move(layer), counter.bytes(), counter.peak_bytes()};
}

}  // namespace

void TensorLedger::begin(std::int64_t data_bytes) {
  settle_journal();  // of a training that ended within its first step
  all_.add(data_bytes - data_bytes_);
  count({TensorKind::data}, data_bytes - data_bytes_);
  data_bytes_ = data_bytes;
  layers_.clear();
  failed_bytes_ = 0;
  take_figures();
}

std::uint32_t TensorLedger::add_layer(std::string name) {
  layers_.emplace_back().name = std::move(name);
  return static_cast<std::uint32_t>(layers_.size() - 1);
}

TensorCounter* TensorLedger::layer_counter(TensorOwner owner) {
  if (owner.layer >= layers_.size()) return nullptr;
  if (owner.kind == TensorKind::parameters) return &layers_[owner.layer].parameters;
  return owner.kind == TensorKind::gradients ? &layers_[owner.layer].gradients : nullptr;
}

void TensorLedger::count(TensorOwner owner, std::int64_t bytes) {
  kinds_[static_cast<std::size_t>(owner.kind)].add(bytes);
  if (TensorCounter* counter = layer_counter(owner)) counter->add(bytes);
}

void TensorLedger::open(TensorBlock& block) {
  block.owner = owner();
  all_.add(block.bytes);
  if (has_journal_.load(std::memory_order_relaxed)) {
    write_down(block);
  } else {
    count(block.owner, block.bytes);
  }
}

void TensorLedger::close(const TensorBlock& block) {
  all_.add(-block.bytes);
  if (has_journal_.load(std::memory_order_relaxed)) {
    write_down_end(block);
  } else {
    count(block.owner, -block.bytes);
  }
}

void TensorLedger::assign(TensorBlock& block, TensorOwner owner) {
  if (block.birth == TensorBlock::kNoBirth) {
    count(block.owner, -block.bytes);
    count(owner, block.bytes);
  }
  block.owner = owner;
}

void TensorLedger::start_journal() {
  has_journal_ = true;
}

void TensorLedger::write_down(TensorBlock& block) {
  const std::lock_guard lock(journal_mutex_);
  block.birth = journal_.size();
  journal_.push_back({&block, block.owner, block.bytes});
}

void TensorLedger::write_down_end(const TensorBlock& block) {
  const std::lock_guard lock(journal_mutex_);
  if (block.birth != TensorBlock::kNoBirth) {
    journal_[block.birth].block = nullptr;
    journal_[block.birth].owner = block.owner;
  }
  journal_.push_back({nullptr, block.owner, -block.bytes});
}

void TensorLedger::assign_survivors_since(std::size_t position, TensorOwner owner) {
  for (std::size_t i = position; i < journal_.size(); ++i) {
    if (journal_[i].block != nullptr) journal_[i].block->owner = owner;
  }
}

void TensorLedger::settle_journal() {
  has_journal_ = false;
  for (const Movement& movement : std::exchange(journal_, {})) {
    if (movement.block != nullptr) movement.block->birth = TensorBlock::kNoBirth;
    count(movement.block != nullptr ? movement.block->owner : movement.owner, movement.bytes);
  }
}

TensorFigures TensorLedger::take_figures() {
  TensorFigures figures{all_.bytes(), all_.peak_bytes(), {}};
  all_.forget_peak();
  const auto take = [&](TensorKind kind, std::string layer, TensorCounter& counter) {
    if (counter.peak_bytes() > 0) figures.tensors.push_back(memory_of(kind, std::move(layer), counter));
    counter.forget_peak();
  };
  for (Layer& layer : layers_) take(TensorKind::parameters, layer.name, layer.parameters);
  for (Layer& layer : layers_) take(TensorKind::gradients, layer.name, layer.gradients);
  for (const TensorKind kind : {TensorKind::data, TensorKind::optimizer_state, TensorKind::activations}) {
    take(kind, "", kinds_[static_cast<std::size_t>(kind)]);
  }
  return figures;
}

std::optional<std::int64_t> TensorLedger::failed_bytes() const {
  return failed_bytes_ > 0 ? std::optional(failed_bytes_.load()) : std::nullopt;
}

}  // namespace memtrack
