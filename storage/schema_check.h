#pragma once

// Inside storage/ only: whether a database holds what its version says.

#include <SQLiteCpp/SQLiteCpp.h>

#include <optional>
#include <string>

namespace memtrack {

// The first thing that migrations up to `version` make and that is not there: "table phases", "column
// trials.settle_ns". nullopt: all is there. What users added, such as an index, does not count.
std::optional<std::string> missing_part(SQLite::Database& handle, int version);

}  // namespace memtrack
