#pragma once

#include <string>

#include "tools/doctor.h"

namespace memtrack {

// Looks at this machine: half a second, most of it for the timer and the cost of a tick. `database_flag`: what --db
// said. Writes nothing but the runtime folder, where it is not there yet.
MachineFacts look_at_machine(const std::string& database_flag);

}  // namespace memtrack
