#include "tests/tools/recorded_sweep.h"

#include "storage/trial_queue.h"
#include "sweeps/sweep.h"

namespace memtrack::testing {
namespace {

constexpr std::int64_t kStart = 1'700'000'000'000'000'000;
constexpr std::int64_t kInterval = 100'000'000;

Sample make_sample(std::int64_t time_ns, SampleKind kind, std::int64_t used_mib, std::int64_t tree_rss_mib) {
  Sample sample;
  sample.time_ns = time_ns;
  sample.kind = kind;
  sample.phase = "train";
  sample.mem_total_bytes = 16000 * kMiB;
  sample.mem_free_bytes = (16000 - used_mib - 300) * kMiB;
  sample.mem_available_bytes = 12000 * kMiB;
  sample.buffers_bytes = 100 * kMiB;
  sample.cached_bytes = 200 * kMiB;
  sample.sreclaimable_bytes = 50 * kMiB;
  sample.tree_rss_bytes = tree_rss_mib * kMiB;
  sample.tree_rss_anon_bytes = (tree_rss_mib - 5) * kMiB;
  return sample;
}

}  // namespace

RecordedSweep::RecordedSweep(const std::string& yaml) : database_(Database::open_for_writing(folder_ / "memtrack.db")) {
  insert_sweeps(database_, parse_sweep_file(yaml, "test.yaml", {}), {.environment = {}, .trainer = "memtrack-trainer"},
                "/", "{}");
}

std::int64_t RecordedSweep::record(const RecordedTrialFigures& figures) {
  const Trial trial = claim_next_trial(database_, std::nullopt).trial.value();
  TrialRecorder recorder(Database::open_for_writing(path()), trial.trial_id);
  TrialStart start;
  start.started_ns = kStart;
  start.host.name = "test";
  start.host.boot_id = "boot";
  recorder.begin(start);
  RecordBatch batch;
  std::int64_t time_ns = kStart;
  batch.samples.push_back(make_sample(time_ns, SampleKind::start, 9999, 1));
  for (const std::int64_t used_mib : figures.used_mib) {
    batch.samples.push_back(make_sample(time_ns += kInterval, SampleKind::tick, used_mib, figures.tree_rss_mib));
  }
  if (figures.test_accuracy) {
    const Event event = decode_event(
        encode_epoch({.epoch = 1, .values = {{"train_loss", 0.5}, {"test_accuracy", *figures.test_accuracy}}}));
    batch.events.push_back({.time_ns = time_ns, .phase = "train", .event = event});
  }
  for (const SentEvent& sent : figures.events) {
    const auto after = static_cast<std::int64_t>(sent.seconds * 1e9);
    batch.events.push_back({.time_ns = kStart + after, .phase = "train", .event = decode_event(sent.json)});
  }
  batch.totals.pss_skipped = figures.pss_skipped;
  if (figures.peak_source) {
    batch.totals.peak_rss_bytes = (figures.tree_rss_mib + 20) * kMiB;
    batch.totals.peak_source = figures.peak_source;
  }
  TrialOutcome outcome;
  outcome.state = figures.state;
  outcome.reason = figures.reason;
  outcome.ended_ns = time_ns + kInterval / 2;
  outcome.exit_code = figures.state == TrialState::done ? 0 : 1;
  recorder.finish(batch, outcome);
  return trial.trial_id;
}

std::string list_sweep() {
  return "name: small list\nmethod: list\nparameters: {dataset: {value: mnist}, optimizer: {value: adam}}\ntrials:\n"
         "  - {learning_rate: 0.7886, epochs: 18, batch_size: 8, hidden_layers: [285, 389, 423, 173, 61], "
         "reported_memory_mib: 2516.309735}\n"
         "  - {learning_rate: 0.0583, epochs: 25, batch_size: 40, hidden_layers: [48, 236], "
         "reported_memory_mib: 2519.748392}\n"
         "  - {learning_rate: 0.00042, epochs: 22, batch_size: 66, hidden_layers: [80]}\n"
         "memtrack: {interval: 100ms}\n";
}

}  // namespace memtrack::testing
