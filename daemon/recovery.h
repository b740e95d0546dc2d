#pragma once

// Trials that stand as `running` when somebody comes to look: whose collector lives, whose never started, whose died.
//
//   lock held, its holder lives         -> adopt: watch it
//   lock held, no holder written yet    -> wait: it is being started
//   lock free, command never started    -> put back into the queue (a `memtrack run`: lost, after a minute)
//   lock free, command was started      -> lost; what is left of its tree is killed
//
// A process that was attached belongs to somebody else: its trial may be lost, nothing of it is killed.
//
// No trial runs twice: what was started and has no collector is lost.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/trial_store.h"

namespace memtrack {

enum class Verdict { adopt, wait, put_back, lost };

// What is to be seen of a running trial from outside.
struct Evidence {
  bool collector_lives = false;
  bool lock_held = false;
  bool started = false;             // trials.started_ns is set
  bool foreground = false;          // of `memtrack run` or `attach`: only its caller can start it
  std::chrono::nanoseconds age{0};  // since it was queued
};

Verdict judge(const Evidence& evidence);

// How long a trial waits that could not be started for want of something, after so many failures in a row: 0.2 s, twice
// as long each time, a minute at most.
std::chrono::milliseconds pause_after_failed_starts(int failures);

struct RecoverySummary {
  std::int64_t living = 0;  // running under their collectors, or being started
  std::int64_t put_back = 0;
  std::int64_t lost = 0;
};

// One look at all running trials, for programs that write to the database and supervise nothing (`memtrack run`).
// Does nothing where someone supervises the database: that is his to do. Waits until the killed are gone, half a minute
// at most.
RecoverySummary recover(Database& database);

}  // namespace memtrack
