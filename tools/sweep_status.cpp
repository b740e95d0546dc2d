#include "tools/sweep_status.h"

#include <fmt/format.h>

#include "storage/query.h"
#include "tools/text.h"
#include "tools/values.h"

namespace memtrack {
namespace {

StateCounts load_counts(Database& database, std::int64_t sweep_id) {
  StateCounts counts;
  const ResultTable found =
      query(database, "SELECT state, count(*) FROM trials WHERE sweep_id = ?1 GROUP BY state", {sweep_id});
  for (const auto& row : found.rows) {
    counts[parse_trial_state(text_of(row[0]).value())] = whole_of(row[1]).value();
  }
  return counts;
}

std::vector<SweepStatus> load_where(Database& database, const std::string& condition, std::int64_t parameter) {
  std::vector<SweepStatus> sweeps;
  const ResultTable found = query(database,
                                  fmt::format("SELECT sweep_id, uid, name, method, state, created_ns, priority, "
                                              "paused, next_number FROM sweeps WHERE {} ORDER BY sweep_id",
                                              condition),
                                  {parameter});
  for (const auto& row : found.rows) {
    const std::int64_t sweep_id = whole_of(row[0]).value();
    sweeps.push_back({.sweep_id = sweep_id,
                      .uid = text_of(row[1]).value(),
                      .name = text_of(row[2]).value(),
                      .method = text_of(row[3]).value(),
                      .state = text_of(row[4]).value(),
                      .created_ns = whole_of(row[5]).value(),
                      .priority = whole_of(row[6]).value(),
                      .is_paused = whole_of(row[7]) == 1,
                      .is_open_ended = whole_of(row[8]).has_value(),
                      .counts = load_counts(database, sweep_id)});
  }
  return sweeps;
}

// The values of the last epoch that the trial told.
void load_last_epoch(Database& database, TrialProgress& trial) {
  const ResultTable found = query(database,
                                  "SELECT epoch, name, value FROM metrics WHERE trial_id = ?1 AND epoch = (SELECT "
                                  "max(epoch) FROM metrics WHERE trial_id = ?1) ORDER BY time_ns",
                                  {trial.trial_id});
  for (const auto& row : found.rows) {
    trial.epoch = whole_of(row[0]);
    const std::string name = text_of(row[1]).value();
    if (name == "train_loss") {
      trial.train_loss = real_of(row[2]);
    } else if (name == "test_accuracy") {
      trial.test_accuracy = real_of(row[2]);
    }
  }
}

}  // namespace

std::int64_t count_all(const StateCounts& counts) {
  std::int64_t sum = 0;
  for (const auto& [state, count] : counts) {
    sum += count;
  }
  return sum;
}

std::int64_t count_final(const StateCounts& counts) {
  std::int64_t sum = 0;
  for (const auto& [state, count] : counts) {
    sum += is_final(state) ? count : 0;
  }
  return sum;
}

std::string counts_text(const StateCounts& counts) {
  std::string text;
  for (const auto& [state, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, to_string(state));
  }
  return text.empty() ? "no trials" : text;
}

SweepStatus load_sweep_status(Database& database, std::int64_t sweep_id) {
  return load_where(database, "sweep_id = ?1", sweep_id).at(0);
}

std::vector<SweepStatus> load_sweep_statuses(Database& database, std::int64_t limit) {
  return load_where(database,
                    "sweep_id IN (SELECT sweep_id FROM sweeps ORDER BY sweep_id DESC LIMIT ?1) OR state IN ('queued', "
                    "'running')",
                    limit);
}

std::vector<TrialProgress> load_running_trials(Database& database, std::optional<std::int64_t> sweep_id) {
  std::vector<TrialProgress> trials;
  const ResultTable found = query(
      database,
      "SELECT t.trial_id, t.uid, t.sweep_id, t.number, t.repeat, t.warmup, t.started_ns, t.epochs, (SELECT s.phase "
      "FROM samples "
      "s WHERE s.trial_id = t.trial_id ORDER BY s.time_ns DESC LIMIT 1) FROM trials t WHERE t.state = 'running' AND "
      "(?1 IS NULL OR t.sweep_id = ?1) ORDER BY t.trial_id",
      {value_of(sweep_id)});
  for (const auto& row : found.rows) {
    TrialProgress trial;
    trial.trial_id = whole_of(row[0]).value();
    trial.uid = text_of(row[1]).value();
    trial.sweep_id = whole_of(row[2]).value();
    trial.number = whole_of(row[3]).value();
    trial.repeat = whole_of(row[4]).value();
    trial.is_warmup = whole_of(row[5]) == 1;
    trial.started_ns = whole_of(row[6]);
    trial.epochs = whole_of(row[7]);
    trial.phase = text_of(row[8]).value_or("");
    load_last_epoch(database, trial);
    trials.push_back(std::move(trial));
  }
  return trials;
}

std::string running_state_text(const TrialProgress& trial, std::int64_t now_ns) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (!trial.phase.empty()) {
    add(escape_controls(trial.phase));
  }
  if (trial.epoch) {
    add(trial.epochs ? fmt::format("epoch {}/{}", *trial.epoch, *trial.epochs) : fmt::format("epoch {}", *trial.epoch));
  }
  if (trial.test_accuracy) {
    add(fmt::format("accuracy {:.4f}", *trial.test_accuracy));
  } else if (trial.train_loss) {
    add(fmt::format("loss {:.4g}", *trial.train_loss));
  }
  add(trial.started_ns ? format_seconds(static_cast<double>(now_ns - *trial.started_ns) / 1e9) : "starting");
  return text;
}

std::string running_trial_text(const TrialProgress& trial, std::int64_t now_ns, bool lost) {
  return fmt::format("trial {} of sweep {} (number {}{}): {}", trial.trial_id, trial.sweep_id, trial.number,
                     repeat_text(trial.repeat, trial.is_warmup),
                     lost ? "lost (not yet recovered)" : running_state_text(trial, now_ns));
}

}  // namespace memtrack
