#pragma once

#include "collector/proc_reader.h"
#include "collector/process_tree.h"

namespace memtrack {

// Sends `signal` to exactly this process: never to another that has got its pid since. Nothing where it is gone.
void send_signal(ProcReader& reader, const ProcessId& process, int signal);

}  // namespace memtrack
