#pragma once

#include <string>

#include "sweeps/config_node.h"
#include "sweeps/parameters.h"

namespace memtrack {

// Each checks what the built-in trainer would be given against its own table, and fails at the place of the value.

// A parameter of `parameters:`.
void check_trainer_parameter(const ConfigMember& member);

// A value of a row or of the command line.
void check_trainer_value(const ConfigMember& member);

// The parameters that are drawn from a range without bounds, so that only what was drawn can be checked.
Parameters open_ranges(const Parameters& parameters);

// Drawn values of such parameters.
void check_trainer_values(const ValueDict& values, const Parameters& parameters);

// For every kind of sweep: the published figure has to be a number.
void check_reported_memory(const ConfigNode& node);

}  // namespace memtrack
