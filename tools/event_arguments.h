#pragma once

#include <string>
#include <vector>

namespace memtrack {

// What `memtrack log` sends for its arguments, one datagram an entry (sweeps/event.h):
//   phase=train                     -> one phase event
//   epoch=1 train_loss=0.31         -> one epoch event with its values
//   tensor_bytes_peak=123           -> one metric event each, where no epoch is named
// Values are numbers, nan, inf and -inf among them. Throws UsageError saying which argument is wrong and what would be
// right.
std::vector<std::string> events_of_arguments(const std::vector<std::string>& arguments);

}  // namespace memtrack
