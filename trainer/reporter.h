#pragma once

// What a training run tells: lines for people, events for the collector, one JSON object at the end.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "sweeps/event_sender.h"
#include "sweeps/trainer_parameters.h"
#include "trainer/tensor_summary.h"
#include "trainer/training.h"

namespace memtrack {

// "finite", "nan" or "inf": as in the column loss_state.
std::string_view loss_state(double loss);

// The share of the most frequent class: what a network that always gives the same answer reaches.
double chance_accuracy(const DatasetPart& test);

// "epoch 2/18: loss 0.1211, test accuracy 96.91 %, 3.4 s (0.80 ms a step)"; a loss that is not finite is said in words.
std::string epoch_line(const EpochResult& result, const TrainerOptions& options);

// One sentence about a network that learned nothing or whose loss diverged; empty where there is nothing to say.
std::string verdict(const TrainingResult& result, const TrainerOptions& options, double chance_accuracy);

// "memory ran out: 3136000000 bytes (2990.7 MiB) were asked for and not given, in phase build, layer hidden1; ..."
std::string allocation_line(const FailedAllocation& failed);

struct RunFigures {
  std::int64_t train_count = 0;
  std::int64_t test_count = 0;
  double chance_accuracy = 0;
  double load_seconds = 0;
  double seconds = 0;  // since the program began
  TensorSummary tensors = {};
};

// One line of JSON without its line end, e.g. (shortened)
//   {"settings":{"dataset":"mnist","threads":1,...},"parameter_count":109386,"train_count":60000,"test_count":10000,
//    "epochs":[{"epoch":1,"train_loss":0.27,"loss_state":"finite","test_accuracy":0.96,"steps":938,"seconds":0.8,...}],
//    "test_accuracy":0.96,"chance_accuracy":0.1135,"train_loss":0.27,"loss_state":"finite","was_stopped":false,...}
// NaN and infinities are the strings "nan", "inf", "-inf"; what is not known is null.
std::string metrics_json(const TrainerOptions& options, const RunFigures& figures, const TrainingResult& result);

// Lines go to stderr. On a terminal a line that shows the step in hand is kept up to date below them.
class TrainingReporter : public TrainingObserver {
 public:
  TrainingReporter(const TrainerOptions& options, EventSender& events, std::function<bool()> should_stop);

  void say(std::string_view line);

  // Tells what computes, for the settings of the trial.
  void on_loaded(const ComputeSettings& settings);

  void on_phase(std::string_view name) override;
  void on_built(std::int64_t parameter_count, std::int64_t threads) override;
  void on_step(const StepProgress& progress) override;
  void on_epoch(const EpochResult& result) override;
  bool should_stop() const override { return should_stop_(); }
  // Unless MEMTRACK_TENSOR_ACCOUNTING is "off".
  bool wants_tensors() const override;
  // One metric tensor_bytes_peak, and an event tensor_memory where this visit of the phase tells something new.
  void on_tensors(const PhaseTensors& ended) override;
  const TensorSummary& tensors() const { return tensors_; }

 private:
  void clear_live_line();

  const TrainerOptions& options_;
  EventSender& events_;
  std::function<bool()> should_stop_;
  bool is_terminal_;
  bool has_live_line_ = false;
  TensorSummary tensors_;
  std::chrono::steady_clock::time_point next_live_line_;
};

}  // namespace memtrack
