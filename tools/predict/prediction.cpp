#include "tools/predict/prediction.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "datasets/catalog.h"
#include "tools/text.h"

namespace memtrack {
namespace {

using nlohmann::ordered_json;

std::string mib_text(double mib) {
  return fmt::format("{:.{}f}", mib, mib < 10 ? 2 : 1);
}

std::string bytes_text(std::int64_t bytes) {
  return mib_text(static_cast<double>(bytes) / kMib);
}

std::string network_text(const TrainerOptions& options) {
  std::string text;
  for (const auto& [channels, kernel] : options.conv_layers) text += fmt::format("{}x{}x{}-", channels, kernel, kernel);
  return text + fmt::format("{}", fmt::join(options.hidden_layers, "-"));
}

template <typename Get>
bool all_same(const std::vector<PredictedTrial>& trials, Get get) {
  return std::all_of(trials.begin(), trials.end(), [&](const auto& each) { return get(each) == get(trials.front()); });
}

class TableBuilder {
 public:
  explicit TableBuilder(const std::vector<PredictedTrial>& trials) : trials_(trials) {
    table_.rows.resize(trials.size());
  }

  template <typename Cell>
  void add(TextColumn column, Cell cell) {
    table_.columns.push_back(std::move(column));
    for (std::size_t i = 0; i < trials_.size(); ++i) table_.rows[i].push_back(cell(trials_[i]));
  }

  // A hyperparameter that is the same in all trials says nothing.
  template <typename Cell>
  void add_varying(TextColumn column, Cell cell) {
    if (trials_.size() == 1 || !all_same(trials_, cell)) add(std::move(column), cell);
  }

  template <typename Part>
  void add_bytes(const char* title, Part part) {
    add({.title = title, .is_number = true},
        [part](const auto& trial) { return bytes_text(std::invoke(part, trial.tensors)); });
  }

  TextTable take() { return std::move(table_); }

 private:
  const std::vector<PredictedTrial>& trials_;
  TextTable table_;
};

bool any_measured(const std::vector<PredictedTrial>& trials) {
  return std::any_of(trials.begin(), trials.end(), [](const auto& trial) { return trial.measured_mib.has_value(); });
}

}  // namespace

PredictedTrial predict_trial(std::int64_t number, const TrainerOptions& options, const Calibration& calibration) {
  PredictedTrial trial{.number = number, .options = options, .tensors = {}, .peak = {}};
  trial.tensors = predict_tensors(options, describe_dataset(options.dataset));
  trial.peak = calibration.predict(trial.tensors);
  return trial;
}

bool fits(const PredictedTrial& trial, std::int64_t limit_bytes) {
  return trial.peak.interval.high * kMib <= static_cast<double>(limit_bytes);
}

std::optional<PredictedTrial> largest_fitting_batch(std::int64_t number, const TrainerOptions& options,
                                                    const Calibration& calibration, std::int64_t limit_bytes) {
  const auto with_batch = [&](std::int64_t size) {
    TrainerOptions changed = options;
    changed.batch_size = size;
    return predict_trial(number, changed, calibration);
  };
  if (!fits(with_batch(1), limit_bytes)) return std::nullopt;
  std::int64_t fitting = 1, too_large = describe_dataset(options.dataset).train_count + 1;
  while (too_large - fitting > 1) {
    const std::int64_t middle = fitting + (too_large - fitting) / 2;
    (fits(with_batch(middle), limit_bytes) ? fitting : too_large) = middle;
  }
  return with_batch(fitting);
}

TextTable prediction_table(const std::vector<PredictedTrial>& trials) {
  TableBuilder table(trials);
  table.add({.title = "#", .is_number = true, .is_key = true}, [](const auto& t) { return std::to_string(t.number); });
  table.add_varying({.title = "dataset"}, [](const auto& t) { return t.options.dataset; });
  table.add_varying({.title = "batch\nsize", .is_number = true},
                    [](const auto& t) { return std::to_string(t.options.batch_size); });
  table.add_varying({.title = "layers", .fold_to = 16}, [](const auto& t) { return network_text(t.options); });
  table.add_varying({.title = "optimizer"}, [](const auto& t) { return t.options.optimizer; });
  table.add({.title = "peak\nMiB", .is_number = true}, [](const auto& t) { return mib_text(t.peak.mib); });
  table.add({.title = "95%\nMiB", .is_number = true}, [](const auto& t) {
    return fmt::format("{}-{}", mib_text(t.peak.interval.low), mib_text(t.peak.interval.high));
  });
  if (any_measured(trials)) {
    table.add({.title = "measured\nMiB", .is_number = true},
              [](const auto& t) { return t.measured_mib ? mib_text(*t.measured_mib) : "-"; });
  }
  table.add_bytes("data\nMiB", &TensorPrediction::data_bytes);
  table.add_bytes("parame-\nters", &TensorPrediction::parameters_bytes);
  table.add_bytes("gra-\ndients", &TensorPrediction::gradients_bytes);
  table.add_bytes("optimizer\nstate", &TensorPrediction::optimizer_state_bytes);
  table.add_bytes("activa-\ntions", &TensorPrediction::activations_bytes);
  return table.take();
}

std::vector<std::string> prediction_notes(const std::vector<PredictedTrial>& trials, const Calibration& calibration) {
  std::vector<std::string> notes = {fmt::format(
      "peak: resident memory at its largest: {} MiB of LibTorch and the program itself, and what the tensors hold.",
      mib_text(calibration.start_mib()))};
  notes.push_back(
      calibration.trials() == 0
          ? "No training was measured on this machine yet: the model comes from another one. Each trial that "
            "is done here makes the next answer closer."
          : fmt::format("Calibrated by {} that this machine measured.", count_of(calibration.trials(), "trial")));
  if (any_measured(trials)) {
    double sum = 0;
    int count = 0;
    for (const PredictedTrial& trial : trials) {
      if (!trial.measured_mib) continue;
      sum += std::abs(trial.peak.mib - *trial.measured_mib) / *trial.measured_mib;
      ++count;
    }
    notes.push_back(fmt::format("Off by {:.1f}% on average where it was measured{}.", sum / count * 100,
                                calibration.trials() == 0 ? "" : " (these trials may be among those it learnt from)"));
  }
  if (std::any_of(trials.begin(), trials.end(), [](const auto& trial) { return !trial.tensors.is_exact; })) {
    notes.push_back("Activations of convolutions are estimated; all other tensor bytes are exact.");
  }
  return notes;
}

std::string prediction_json(const std::vector<PredictedTrial>& trials, const Calibration& calibration) {
  ordered_json rows = ordered_json::array();
  for (const PredictedTrial& trial : trials) {
    const TensorPrediction& tensors = trial.tensors;
    rows.push_back({{"number", trial.number},
                    {"batch_size", trial.options.batch_size},
                    {"peak_rss_mib", trial.peak.mib},
                    {"peak_rss_interval_mib", {trial.peak.interval.low, trial.peak.interval.high}},
                    {"measured_mib", trial.measured_mib ? ordered_json(*trial.measured_mib) : ordered_json()},
                    {"tensor_bytes_peak", tensors.peak_bytes()},
                    {"data_bytes", tensors.data_bytes()},
                    {"heap_bytes", tensors.resident_bytes},
                    {"parameters_bytes", tensors.parameters_bytes},
                    {"gradients_bytes", tensors.gradients_bytes},
                    {"optimizer_state_bytes", tensors.optimizer_state_bytes},
                    {"activations_bytes", tensors.activations_bytes},
                    {"is_exact", tensors.is_exact}});
  }
  const ordered_json answer = {
      {"start_mib", calibration.start_mib()}, {"calibrated_by_trials", calibration.trials()}, {"trials", rows}};
  return answer.dump(2) + "\n";
}

}  // namespace memtrack
