#pragma once

#include "collector/options.h"

namespace memtrack {

// Runs one trial, from its command's start to its recorded end. Returns the exit code of memtrack-collector: 0 when the
// outcome was recorded, 1 when not; in the foreground the command's own, 128 + signal, 125 where we failed, 127 or 126
// where the command could not be started.
// Where it only checks: 0 when a trial gets a cgroup of its own, else 1 and the reason, one sentence, on stdout.
int run_collector(const CollectorOptions& options);

}  // namespace memtrack
