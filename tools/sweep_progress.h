#pragma once

// Progress of submitted sweeps to their end, read from the database.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "tools/sweep_status.h"

namespace memtrack {

struct FinishedTrial {
  std::int64_t trial_id = 0;
  std::int64_t sweep_id = 0;
  std::int64_t number = 0;
  std::int64_t repeat = 1;
  bool is_warmup = false;
  TrialState state = TrialState::done;
  std::string reason;
  std::optional<std::int64_t> started_ns, ended_ns;
  std::optional<double> test_accuracy;
};

struct Progress {
  StateCounts counts;                    // of all sweeps together
  bool is_open_ended = false;            // more is drawn of one of them
  std::optional<TrialProgress> running;  // the first that runs
  std::optional<std::int64_t> first_start_ns;
  std::vector<FinishedTrial> newly_finished;  // since the last look, in the order of the queue
  bool is_over() const { return !is_open_ended && count_final(counts) == count_all(counts); }
};

// Looks at the same sweeps again and again.
class ProgressReader {
 public:
  ProgressReader(Database& database, std::vector<std::int64_t> sweep_ids);
  Progress look();

 private:
  void take_newly_finished(std::size_t index, Progress& progress);

  Database& database_;
  std::vector<std::int64_t> sweep_ids_;
  std::vector<std::int64_t> passed_trial_ids_;  // a sweep each: trials up to this one have been told
  std::optional<std::int64_t> first_start_ns_;
};

// What is left, in seconds, where enough is known to guess: trials so far, and the running one's epochs.
std::optional<double> remaining_seconds(const Progress& progress, std::int64_t now_ns);

// One line that fits `width` columns:
// "[#####---------------] 11/40  ETA 2m03s  trial 12: train, epoch 3/18, accuracy 0.9123, 12.3 s"; of what has no end
// "11 so far  trial 12: ...".
std::string progress_line(const Progress& progress, std::int64_t now_ns);

// "trial 3 (number 2): done in 12.3 s, accuracy 0.9123", "trial 4 (number 3): failed after 0.20 s: reason".
std::string finished_text(const FinishedTrial& trial);

}  // namespace memtrack
