#pragma once

#include "collector/proc_reader.h"
#include "collector/process_tree.h"
#include "storage/file_descriptor.h"

namespace memtrack {

// A pidfd of exactly this process. Empty: it is gone.
FileDescriptor open_process(ProcReader& reader, const ProcessId& process);

// Sends `signal` to exactly this process: never to another that has got its pid since. Nothing where it is gone.
void send_signal(ProcReader& reader, const ProcessId& process, int signal);

}  // namespace memtrack
