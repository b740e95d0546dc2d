#pragma once

// A small database made as the real programs make it: sweeps submitted through storage/, samples written by a
// TrialRecorder, so that every average is known by construction.

#include <cstdint>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/trial_recorder.h"
#include "storage/trial_store.h"
#include "tests/temporary_directory.h"

namespace memtrack::testing {

inline constexpr std::int64_t kMiB = 1024 * 1024;

struct SentEvent {
  double seconds = 0;  // after the start
  std::string json;    // encode_phase("train"), ...
};

struct RecordedTrialFigures {
  std::vector<std::int64_t> used_mib = {};  // of its ticks, 100 ms apart
  std::int64_t tree_rss_mib = 100;          // of each sample
  std::optional<double> test_accuracy = {};
  TrialState state = TrialState::done;
  std::string reason = {};
  std::optional<std::string> peak_source = {};  // "kernel": exact
  std::int64_t pss_skipped = 0;
  std::vector<SentEvent> events = {};
};

class RecordedSweep {
 public:
  // Submits what `yaml` says; nothing has run yet.
  explicit RecordedSweep(const std::string& yaml);

  // Runs the next queued trial to its end, as a collector would record it. Returns its id.
  std::int64_t record(const RecordedTrialFigures& figures);

  Database& database() { return database_; }
  std::filesystem::path path() const { return database_.path(); }

  // The shell's words of a command that asks this database.
  std::string asked_by(const std::string& command) const { return "MEMTRACK_DB=" + path().string() + " " + command; }

 private:
  TemporaryDirectory folder_;
  Database database_;
};

// Five lines of a sweep file of three trials of the built-in trainer, as a list, two of them with a published figure.
std::string list_sweep();

}  // namespace memtrack::testing
