#pragma once

// The hyperparameters that have a database column of their own, and the names that they go by.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sweeps/settings.h"
#include "sweeps/sweep.h"
#include "sweeps/value.h"

namespace memtrack {

// A published figure in MiB, kept with the trial; the program never sees it.
inline constexpr std::string_view kReportedMemory = "reported_memory_mib";

std::span<const std::string_view> typed_column_names();
bool is_typed_column(std::string_view name);

// Fills each column from the parameter that `choices` names, else from the one of its own name, else from a common
// alias (lr, num_epochs, bs, hidden_sizes, ...), also where that one is nested. A value that does not fit is left out.
TypedColumns typed_columns(const ValueDict& values, const std::vector<ColumnChoice>& choices);

}  // namespace memtrack
