#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sweeps/config_node.h"
#include "sweeps/sweep.h"

namespace memtrack {

// `columns` of the block: which parameter fills which typed column.
struct ColumnChoice {
  std::string column;
  std::string parameter;  // "lr", or "optimizer.lr" for a nested one
  Mark mark;              // of the parameter's name
};

struct ParsedSettings {
  SweepSettings settings;
  bool order_given = false;
  std::vector<ColumnChoice> columns;
};

// Reads the block `memtrack:` (nullptr: there is none), then what the command line changes. Throws SweepError.
ParsedSettings parse_settings(const ConfigNode* block, const Overrides& overrides);

// A value of the command line as a node, for the same checks as in the file; `flag` is shown before the message.
ConfigNode flag_node(const std::string& flag, std::string value);
ConfigNode flag_node(const std::string& flag, std::int64_t value);

}  // namespace memtrack
