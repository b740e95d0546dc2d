#pragma once

// What a user names where trials are wanted:
//
//   trial:12        a trial by its id, trial:12,15 several
//   paper-mnist     a sweep by id or name; nothing: the latest
//   paper-mnist:batch_size=8,depth>=5   its trials of which all of these hold; without a name, of the latest sweep
//   old.db          the latest sweep of another database

#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "tools/report/rows.h"
#include "tools/report/selection.h"

namespace memtrack {

// Trials that were named, their database open, before their figures are read.
class TrialChoice {
 public:
  // `database_flag`: where `text` names no database itself. Throws UsageError.
  TrialChoice(const std::string& text, const std::string& database_flag);

  Database& database() { return database_; }
  bool names_trials() const { return !spec_.trials.empty(); }

  // "sweep 3 'paper-mnist' with batch_size=8", "trials 12, 15"
  std::string title() const;

  // For choose_phase(): what the trials of each of its sweeps named.
  void add_phases(std::vector<std::vector<std::string>>& named_by_each);

  // Last attempts, no warm-ups; at least one. Throws UsageError.
  std::vector<ReportRow> read(const Figure& figure);

 private:
  struct Spec {
    std::optional<std::string> file = {};
    std::string sweep = {};
    std::vector<std::int64_t> trials = {};
    std::vector<Filter> filters = {};
  };
  static Spec parse(const std::string& text);
  ReportSweep sweep_of_trial(std::int64_t trial);

  Spec spec_;
  Database database_;
  std::vector<ReportSweep> sweeps_;  // one a trial, or the one
};

}  // namespace memtrack
