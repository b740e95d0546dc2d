#pragma once

// What a collector writes: everything of one trial from its start to its end. One call is one transaction
// (BEGIN IMMEDIATE, filled from memory): after a StorageError nothing of the call is in the database, and the same call
// may be made again.
//
//   TrialRecorder recorder(Database::open_for_writing(path, 1s), trial_id);
//   recorder.begin({.started_ns = now, .host = host});
//   recorder.write(batch);            // as often as there is something
//   recorder.finish(batch, outcome);  // the last rows and the end, together

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/sample.h"
#include "sweeps/event.h"
#include "sweeps/trial_state.h"

namespace memtrack {

struct HostRecord {
  std::string name = {};
  std::string boot_id = {};
  std::string kernel = {};
  std::string cpu_model = {};
  std::optional<std::int64_t> cores = {};
  std::optional<std::int64_t> mem_total_bytes = {};
  std::optional<std::int64_t> cgroup_version = {};  // 1 or 2: whose memory controller is in force
};

struct TrialStart {
  std::optional<std::int64_t> started_ns = {};  // none: not yet, the idle system is looked at first
  HostRecord host = {};
  std::int64_t collector_pid = 0;
  std::string cgroup = {};  // folder of the trial's own; empty: it has none
};

// A named value or event of the program, with the time at which the collector took it.
struct ReceivedEvent {
  std::int64_t time_ns = 0;
  std::string phase = {};  // in force when it came
  Event event = {};
};

// Totals of the trial so far; each write replaces those before.
struct TrialTotals {
  std::int64_t late_ticks = 0;
  std::int64_t events_malformed = 0;  // oversize ones included
  std::int64_t events_missing = 0;    // gaps in the senders' numbers, and those that memory had no room for
  std::int64_t samples_thinned = 0;   // dropped while the database could not be written
  std::int64_t process_rows_thinned = 0;
  std::int64_t pss_skipped = 0;  // readings left out: one process would have taken over 10 ms
  std::int64_t log_bytes = 0;
  std::int64_t log_bytes_discarded = 0;
  Reading peak_rss_bytes = {};
  Reading peak_rss_upper_bytes = {};
  Reading peak_cgroup_bytes = {};
  Reading peak_anon_bytes = {};
  std::optional<std::string> peak_source = {};        // see docs/metrics.md
  std::map<std::string, std::int64_t> phase_ns = {};  // time spent in each phase so far

  bool operator==(const TrialTotals&) const = default;
};

struct RecordBatch {
  std::vector<Sample> samples = {};  // time_ns strictly increasing, also over batches
  std::vector<ProcessReading> processes = {};
  std::vector<ReceivedEvent> events = {};
  TrialTotals totals = {};
};

struct TrialOutcome {
  TrialState state = TrialState::lost;
  std::string reason = {};  // one sentence for people; empty where there is nothing to say
  std::int64_t ended_ns = 0;
  std::optional<std::int64_t> exit_code = {};    // where the command exited
  std::optional<std::int64_t> term_signal = {};  // where a signal ended it
  std::optional<std::int64_t> oom_kill_count = {};
  std::optional<std::int64_t> max_rss_bytes = {};  // wait4: the largest single process
  std::optional<std::int64_t> user_ns = {};
  std::optional<std::int64_t> system_ns = {};
};

class TrialRecorder {
 public:
  TrialRecorder(Database database, std::int64_t trial_id);
  ~TrialRecorder();

  // Sets started_ns and the host; once more where the start was not known yet. Throws a StorageError that is not
  // transient where the trial is not `running`.
  void begin(const TrialStart& start);
  // The start, where the command could not be started after all: the trial is as it was when it was claimed.
  void withdraw_start();
  void write(const RecordBatch& batch);
  void finish(const RecordBatch& batch, const TrialOutcome& outcome);

 private:
  struct Statements;  // prepared once
  void insert(const RecordBatch& batch);
  void insert_totals(const TrialTotals& totals);

  Database database_;
  std::int64_t trial_id_;
  std::unique_ptr<Statements> statements_;
  TrialTotals written_totals_;  // as they stand in the database: what is the same is not written again
};

}  // namespace memtrack
