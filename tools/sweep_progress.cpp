#include "tools/sweep_progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/query.h"
#include "tools/text.h"
#include "tools/values.h"

namespace memtrack {
namespace {

constexpr std::int64_t kToldAtOnce = 1000;

// How much of the running trial is behind it, by its epochs.
double running_share(const Progress& progress) {
  const auto& running = progress.running;
  if (!running || !running->epoch || !running->epochs || *running->epochs <= 0) {
    return 0;
  }
  return std::clamp(static_cast<double>(*running->epoch) / static_cast<double>(*running->epochs), 0.0, 1.0);
}

}  // namespace

ProgressReader::ProgressReader(Database& database, std::vector<std::int64_t> sweep_ids)
    : database_(database), sweep_ids_(std::move(sweep_ids)), passed_trial_ids_(sweep_ids_.size(), 0) {}

Progress ProgressReader::look() {
  Progress progress;
  for (std::size_t i = 0; i < sweep_ids_.size(); ++i) {
    // Counted before they are told: where all are counted as ended, all can be told.
    const SweepStatus status = load_sweep_status(database_, sweep_ids_[i]);
    for (const auto& [state, count] : status.counts) {
      progress.counts[state] += count;
    }
    progress.is_open_ended = progress.is_open_ended || status.is_open_ended;
    take_newly_finished(i, progress);
    if (!progress.running) {
      const auto running = load_running_trials(database_, sweep_ids_[i]);
      progress.running = running.empty() ? std::nullopt : std::optional(running.front());
    }
  }
  progress.first_start_ns = first_start_ns_;
  return progress;
}

void ProgressReader::take_newly_finished(std::size_t index, Progress& progress) {
  const ResultTable found = query(
      database_,
      "SELECT t.trial_id, t.number, t.repeat, t.warmup, t.state, t.reason, t.started_ns, t.ended_ns, (SELECT m.value "
      "FROM "
      "metrics "
      "m WHERE m.trial_id = t.trial_id AND m.name = 'test_accuracy' AND m.epoch IS NOT NULL ORDER BY m.epoch DESC, "
      "m.time_ns DESC LIMIT 1) FROM trials t WHERE t.sweep_id = ?1 AND t.trial_id > ?2 ORDER BY t.trial_id LIMIT ?3",
      {sweep_ids_[index], passed_trial_ids_[index], kToldAtOnce});
  for (const auto& row : found.rows) {
    FinishedTrial trial;
    trial.trial_id = whole_of(row[0]).value();
    trial.sweep_id = sweep_ids_[index];
    trial.number = whole_of(row[1]).value();
    trial.repeat = whole_of(row[2]).value();
    trial.is_warmup = whole_of(row[3]) == 1;
    trial.state = parse_trial_state(text_of(row[4]).value());
    trial.reason = text_of(row[5]).value_or("");
    trial.started_ns = whole_of(row[6]);
    trial.ended_ns = whole_of(row[7]);
    trial.test_accuracy = real_of(row[8]);
    if (trial.started_ns) {
      first_start_ns_ = std::min(first_start_ns_.value_or(*trial.started_ns), *trial.started_ns);
    }
    if (!is_final(trial.state)) {
      return;
    }
    passed_trial_ids_[index] = trial.trial_id;
    progress.newly_finished.push_back(std::move(trial));
  }
}

std::optional<double> remaining_seconds(const Progress& progress, std::int64_t now_ns) {
  const double share = running_share(progress);
  const double behind = static_cast<double>(count_final(progress.counts)) + share;
  const double ahead = static_cast<double>(count_all(progress.counts)) - behind;
  if (progress.is_open_ended || !progress.first_start_ns || behind <= 0 || ahead <= 0) {
    return std::nullopt;
  }
  double elapsed = static_cast<double>(now_ns - *progress.first_start_ns) / 1e9;
  double since_start = 0;
  if (share == 0 && progress.running && progress.running->started_ns) {
    // Without epochs nothing is known of the running trial but that it has its time behind it already.
    since_start = static_cast<double>(now_ns - *progress.running->started_ns) / 1e9;
    elapsed -= since_start;
  }
  return std::max(0.0, elapsed / behind * ahead - since_start);
}

std::string progress_line(const Progress& progress, std::int64_t now_ns) {
  const std::int64_t total = count_all(progress.counts);
  const std::int64_t over = count_final(progress.counts);
  const double share =
      total == 0 ? 0 : (static_cast<double>(over) + running_share(progress)) / static_cast<double>(total);
  std::string line = progress.is_open_ended ? fmt::format("{} so far", over)
                                            : fmt::format("{} {}/{}", progress_bar(share), over, total);
  if (const auto seconds = remaining_seconds(progress, now_ns)) {
    line += fmt::format("  ETA {}", format_seconds(*seconds));
  }
  line += progress.running
              ? fmt::format("  trial {}: {}", progress.running->trial_id, running_state_text(*progress.running, now_ns))
              : "  waiting";
  return line;
}

std::string finished_text(const FinishedTrial& trial) {
  std::string text = fmt::format("trial {} (number {}{}): {}", trial.trial_id, trial.number,
                                 repeat_text(trial.repeat, trial.is_warmup), to_string(trial.state));
  if (trial.started_ns && trial.ended_ns) {
    text += fmt::format(" {} {}", trial.state == TrialState::done ? "in" : "after",
                        format_seconds(static_cast<double>(*trial.ended_ns - *trial.started_ns) / 1e9));
  }
  if (trial.test_accuracy) {
    text += fmt::format(", accuracy {:.4f}", *trial.test_accuracy);
  }
  return trial.state == TrialState::done || trial.reason.empty() ? text : text + ": " + escape_controls(trial.reason);
}

}  // namespace memtrack
