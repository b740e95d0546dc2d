#include "collector/sampler.h"

#include <algorithm>

namespace memtrack {
namespace {

constexpr std::chrono::seconds kOnceASecond(1);
// Rows of processes wait that long for a pass of pss, so that both are of the same moment.
constexpr std::chrono::seconds kRowsWithoutPss(2);
// Reading the tree may take one part in this of the time between two ticks.
constexpr int kTreeShare = 2;

}  // namespace

Sampler::Sampler(ProcReader& reader, TreeRoot root, std::chrono::nanoseconds interval, const TrialCgroup* cgroup)
    : reader_(reader),
      interval_(interval),
      cgroup_(cgroup),
      tree_(reader, std::move(root), cgroup),
      per_cpu_pages_(kOnceASecond),
      pss_(kOnceASecond),
      process_row_cadence_(kOnceASecond),
      last_pss_(BootClock::now()) {}

void Sampler::read(Sample& sample, BootClock::time_point due) {
  reader_.read_system(sample);
  if (cgroup_ != nullptr) {
    sample.cgroup_bytes = cgroup_->current_bytes();
  }
  const bool must_be_whole = sample.kind == SampleKind::start || sample.kind == SampleKind::final;
  if (must_be_whole || due >= next_tree_reading_) {
    read_tree(sample, due);
  }
  if (sample.kind != SampleKind::phase && (must_be_whole || per_cpu_pages_.is_due(due))) {
    per_cpu_pages_.note(due);
    sample.pcp_free_bytes = reader_.read_per_cpu_free_bytes();
  }
}

const PeakFacts& Sampler::complete_peaks() {
  peaks_.high_water = tree_.high_water();
  if (cgroup_ != nullptr) {
    peaks_.cgroup_bytes = cgroup_->peak_bytes();
  }
  return peaks_;
}

void Sampler::read_tree(Sample& sample, BootClock::time_point due) {
  tree_.read_into(sample, due);
  peaks_.largest_rss_sample_bytes = std::max(peaks_.largest_rss_sample_bytes, sample.tree_rss_bytes);
  peaks_.largest_anon_sample_bytes = std::max(peaks_.largest_anon_sample_bytes, sample.tree_rss_anon_bytes);
  const std::chrono::nanoseconds pause = kTreeShare * tree_.cost();
  next_tree_reading_ = pause > interval_ ? due + pause : BootClock::time_point();
  const bool has_pss = read_pss(sample, due);
  const bool of_all = are_rows_due(sample.kind, due, has_pss);
  if (of_all) {
    process_row_cadence_.note(due);
  }
  process_rows_ = tree_.take_rows(of_all);
}

// Once a second at most on ticks; at the end of a phase too, where the budget allows it.
bool Sampler::read_pss(Sample& sample, BootClock::time_point due) {
  const bool is_tick = sample.kind == SampleKind::tick;
  if ((!is_tick && sample.kind != SampleKind::phase) || (is_tick && !pss_.is_due(due)) ||
      !pss_budget_.is_affordable(tree_.expected_pss_cost(pss_budget_), BootClock::now() - last_pss_)) {
    return false;
  }
  const BootClock::time_point begin = BootClock::now();
  pss_.note(due);
  is_pss_too_long_ = !tree_.read_pss_into(sample, pss_budget_);
  if (is_pss_too_long_) {
    ++pss_skipped_;
    return false;
  }
  last_pss_ = begin;
  return sample.tree_pss_bytes.has_value();
}

bool Sampler::are_rows_due(SampleKind kind, BootClock::time_point due, bool has_pss) const {
  if (kind == SampleKind::final) {
    return true;
  }
  return kind == SampleKind::tick && process_row_cadence_.is_due(due) &&
         (has_pss || is_pss_too_long_ || process_row_cadence_.is_due(due - (kRowsWithoutPss - kOnceASecond)));
}

}  // namespace memtrack
