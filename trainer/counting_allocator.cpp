#include "trainer/counting_allocator.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <cstring>
#include <new>

namespace memtrack {
namespace {

static_assert(sizeof(TensorBlock) <= kBlockHeaderBytes);

TensorLedger& the_ledger() {
  static TensorLedger ledger;
  return ledger;
}

TensorBlock* block_before(void* data) {
  return std::launder(reinterpret_cast<TensorBlock*>(static_cast<char*>(data) - kBlockHeaderBytes));
}

void* allocate_noting_failure(std::size_t asked, std::size_t header) {
  try {
    return c10::alloc_cpu(asked + header);
  } catch (...) {
    the_ledger().note_failure(static_cast<std::int64_t>(asked));
    throw;
  }
}

void free_counted(void* data) {
  if (data == nullptr) return;
  TensorBlock* block = block_before(data);
  the_ledger().close(*block);
  c10::free_cpu(block);
}

c10::DataPtr allocate_counted(std::size_t bytes) {
  if (bytes == 0) return {nullptr, nullptr, &free_counted, c10::Device(c10::DeviceType::CPU)};
  void* memory = allocate_noting_failure(bytes, kBlockHeaderBytes);
  auto* block = new (memory) TensorBlock{.bytes = static_cast<std::int64_t>(bytes)};
  the_ledger().open(*block);
  void* data = static_cast<char*>(memory) + kBlockHeaderBytes;
  return {data, data, &free_counted, c10::Device(c10::DeviceType::CPU)};
}

c10::DataPtr allocate_uncounted(std::size_t bytes) {
  void* data = allocate_noting_failure(bytes, 0);
  return {data, data, &c10::free_cpu, c10::Device(c10::DeviceType::CPU)};
}

using Allocate = c10::DataPtr (*)(std::size_t bytes);

// allocate() is const in LibTorch 1.13 and no longer so in later ones: overridden as it is declared.
template <typename Base, typename Declared>
class Overrider;
template <typename Base>
class Overrider<Base, c10::DataPtr (Base::*)(std::size_t) const> : public Base {
 public:
  explicit Overrider(Allocate function) : allocate_(function) {}
  c10::DataPtr allocate(std::size_t bytes) const override { return allocate_(bytes); }

 private:
  Allocate allocate_;
};
template <typename Base>
class Overrider<Base, c10::DataPtr (Base::*)(std::size_t)> : public Base {
 public:
  explicit Overrider(Allocate function) : allocate_(function) {}
  c10::DataPtr allocate(std::size_t bytes) override { return allocate_(bytes); }

 private:
  Allocate allocate_;
};

class CountingAllocator : public Overrider<c10::Allocator, decltype(&c10::Allocator::allocate)> {
 public:
  CountingAllocator(Allocate function, c10::DeleterFnPtr deleter) : Overrider(function), deleter_(deleter) {}
  c10::DeleterFnPtr raw_deleter() const override { return deleter_; }
  // Of later LibTorch's allocators; 1.13 has none.
  void copy_data(void* to, const void* from, std::size_t bytes) const { std::memcpy(to, from, bytes); }

 private:
  c10::DeleterFnPtr deleter_;
};

}  // namespace

TensorLedger& install_counting_allocator(bool is_counting) {
  static CountingAllocator counting(&allocate_counted, &free_counted);
  static CountingAllocator not_counting(&allocate_uncounted, &c10::free_cpu);
  c10::SetCPUAllocator(is_counting ? &counting : &not_counting);
  return the_ledger();
}

TensorBlock* counted_block(const c10::DataPtr& data) {
  return data.get() != nullptr && data.get_deleter() == &free_counted ? block_before(data.get()) : nullptr;
}

}  // namespace memtrack
