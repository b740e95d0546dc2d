#pragma once

#include <string>

namespace memtrack {

// Why a trial started from here would get no cgroup of its own, and what helps: one sentence. Empty: it would get one.
// Asks a short-lived memtrack-collector, and waits for it. Throws std::runtime_error where that cannot be started.
std::string why_no_cgroup();

}  // namespace memtrack
