#include "trainer/run.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>

#include "datasets/catalog.h"
#include "sweeps/event.h"
#include "sweeps/event_sender.h"
#include "trainer/reporter.h"
#include "trainer/threads.h"
#include "trainer/training.h"

namespace memtrack {
namespace {

using Clock = std::chrono::steady_clock;

// The last epoch is worth a moment's wait where the collector is behind; well below the time that a cancel leaves.
constexpr auto kPatienceWithCollector = std::chrono::seconds(1);

volatile std::sig_atomic_t ending_signal = 0;

extern "C" void note_signal(int signal) {
  ending_signal = signal;
}

// The step in hand is finished first; a second signal of the kind ends at once.
void watch_signals() {
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

std::string event_socket() {
  const char* path = std::getenv("MEMTRACK_EVENTS");
  return path ? path : "";
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string data_line(std::string_view name, const Dataset& dataset) {
  const ImageShape& shape = dataset.shape();
  return fmt::format("{}: {} training and {} test images of {} x {} x {}", name, dataset.train().count(),
                     dataset.test().count(), shape.channels, shape.height, shape.width);
}

// None: its buffers were not given.
std::optional<Dataset> load_if_it_fits(const DatasetDescription& description) {
  try {
    return load_dataset(description, description.format == DatasetFormat::generated ? "" : data_directory());
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

FailedAllocation failed_load(const DatasetDescription& description) {
  const std::int64_t images = description.train_count + description.test_count;
  return {images * (description.shape.image_bytes() + 1), fmt::format("phase load, data set {}", description.name)};
}

int tell_failure(const FailedAllocation& failed, EventSender& events, TrainingReporter& reporter) {
  const std::string line = allocation_line(failed);
  reporter.say(fmt::format("memtrack-trainer: {}", line));
  events.send(encode_failure(line));
  events.flush_within(kPatienceWithCollector);
  return kMemoryRanOut;
}

}  // namespace

int run_trainer(const TrainerOptions& options) {
  const auto begin = Clock::now();
  const DatasetDescription& description = describe_dataset(options.dataset);
  if (description.format != DatasetFormat::generated) {
    const FoundDataset found = find_dataset(description, data_directory());
    if (!found.is_complete()) throw DatasetError(missing_text(description, found));
  }
  watch_signals();
  EventSender events(event_socket());
  TrainingReporter reporter(options, events, [] { return ending_signal != 0; });
  reporter.on_phase("start");
  const std::int64_t threads =
      options.threads > 0 ? options.threads : default_threads(options, description.shape, usable_cores());
  const TrainingLibrary library(training_library_path(), threads);
  reporter.on_loaded(library.compute_settings());

  reporter.on_phase("load");
  const auto load_begin = Clock::now();
  const std::optional<Dataset> loaded = load_if_it_fits(description);
  if (!loaded) return tell_failure(failed_load(description), events, reporter);
  const Dataset& dataset = *loaded;
  RunFigures figures{dataset.train().count(),
                     dataset.test().count(),
                     chance_accuracy(dataset.test()),
                     seconds_since(load_begin),
                     0,
                     {}};
  reporter.say(data_line(options.dataset, dataset));

  const TrainingData data{dataset.shape(), dataset.classes(), dataset.train(), dataset.test()};
  const TrainingResult result = library.train(options, data, reporter);
  figures.seconds = seconds_since(begin);
  figures.tensors = reporter.tensors();
  if (const std::string text = figures.tensors.line(); !text.empty()) reporter.say(text);
  if (const std::string text = verdict(result, options, figures.chance_accuracy); !text.empty()) reporter.say(text);
  fmt::print("{}\n", metrics_json(options, figures, result));
  if (result.failed_allocation) return tell_failure(*result.failed_allocation, events, reporter);
  events.flush_within(kPatienceWithCollector);
  return result.was_stopped ? 128 + ending_signal : 0;
}

}  // namespace memtrack
