#pragma once

// A trial without a daemon, as `memtrack run` and `memtrack attach` have it: stored, given to a collector in the
// foreground, waited for, told.

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/trial_store.h"
#include "tools/signal_watch.h"

namespace memtrack {

// Throws UsageError where it is no time from 1ms to 24h.
std::chrono::nanoseconds checked_interval(const std::string& text);

// For writing, after what others left undone was recovered. Throws before anything is written where the runtime folder
// is of no use.
Database open_for_trial(const std::filesystem::path& path);

// The trial's collector, with the trial's lock in its hands. From here on it alone decides how the trial ends.
pid_t start_collector(const Database& database, const Trial& trial, const SignalWatch& signals,
                      const std::vector<std::string>& options = {});

// Waits for the collector's end; `on_signal` gets every signal that comes meanwhile. Returns its wait status.
int wait_for_collector(pid_t collector, const SignalWatch& signals, const std::function<void(int signal)>& on_signal);

// Ends a trial whose collector ended without having written how it ended. recover() would do the same, but leaves it to
// a daemon where one supervises the database; we know of it now.
void end_unfinished(Database& database, const Trial& trial, int wait_status);

// What a later command has to say to find the same database: "--db 'my runs.db' ". Empty for the default one.
std::string database_flag(const std::filesystem::path& database);

}  // namespace memtrack
