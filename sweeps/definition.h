#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sweeps/parameters.h"
#include "sweeps/settings.h"

namespace memtrack {

// What parse_sweep_file found and for_each_trial expands.
struct SweepDefinition {
  Parameters parameters;
  std::vector<Row> rows;             // method list
  std::vector<std::string> command;  // with its macros; empty: the built-in trainer
  std::string program;
  std::vector<ColumnChoice> columns;
  std::int64_t count = 0;  // trials of one block; of an open-ended sweep 0
};

}  // namespace memtrack
