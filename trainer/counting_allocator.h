#pragma once

// LibTorch's CPU allocator, and what each block is for.

#include <c10/core/Allocator.h>

#include "trainer/tensor_ledger.h"

namespace memtrack {

// In front of each block; LibTorch's blocks are aligned by 64 bytes.
inline constexpr std::size_t kBlockHeaderBytes = 64;

// From now on LibTorch's tensors are counted in the ledger that is returned, in this process for good; what it asks for
// and does not get is noted there. With `is_counting` false blocks are passed on as they are: they have no header, and
// only failures are noted.
TensorLedger& install_counting_allocator(bool is_counting);

// The block that holds a tensor's values; nullptr where it was not counted.
TensorBlock* counted_block(const c10::DataPtr& data);

}  // namespace memtrack
