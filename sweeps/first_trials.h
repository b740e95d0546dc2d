#pragma once

// What a sweep is made of, without running it: no repeats, no warm-ups, no shares, and an end where a sweep has none.

#include <cstdint>
#include <functional>

#include "sweeps/sweep.h"

namespace memtrack {

// How many are shown of a sweep without an end.
inline constexpr std::int64_t kShownWhenOpen = 20;

// The first trials in the order of their numbers, at most `most`; of an open-ended sweep so many. False: there are
// more. Throws SweepError.
bool for_each_first_trial(const Sweep& sweep, const ExpansionContext& context, std::int64_t most,
                          const std::function<void(const TrialPlan&)>& take);

}  // namespace memtrack
