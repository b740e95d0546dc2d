#include "trainer/reporter.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sweeps/event.h"

namespace memtrack {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kLiveLinePeriod = std::chrono::milliseconds(200);
constexpr double kNearChance = 0.01;
constexpr double kLossOfGuessing = 2.303;  // ln 10: ten classes, all held equally likely
constexpr double kClearlyWorse = 1.1;

Json number_or_word(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

std::string loss_text(double loss) {
  if (std::isnan(loss)) return "not a number (the training has diverged)";
  if (std::isinf(loss)) return "infinite (the training has diverged)";
  return fmt::format("{:.4g}", loss);
}

Json epoch_json(const EpochResult& result) {
  Json json = {{"epoch", result.epoch},
               {"train_loss", number_or_word(result.train_loss)},
               {"loss_state", loss_state(result.train_loss)}};
  json["test_accuracy"] = result.is_complete ? Json(result.test_accuracy) : Json(nullptr);
  json["steps"] = result.steps;
  json["seconds"] = result.seconds;
  json["train_seconds"] = result.train_seconds;
  return json;
}

Json conv_layers_json(const std::vector<ConvLayer>& layers) {
  Json json = Json::array();
  for (const ConvLayer& layer : layers) json.push_back(Json::array({layer.channels, layer.kernel}));
  return json;
}

Json settings_json(const TrainerOptions& options, std::int64_t threads) {
  return {{"dataset", options.dataset},
          {"learning_rate", options.learning_rate},
          {"epochs", options.epochs},
          {"batch_size", options.batch_size},
          {"conv_layers", conv_layers_json(options.conv_layers)},
          {"hidden_layers", options.hidden_layers},
          {"activation", options.activation},
          {"dropout", options.dropout},
          {"optimizer", options.optimizer},
          {"momentum", options.momentum},
          {"weight_decay", options.weight_decay},
          {"init", options.init},
          {"standardise", options.standardise},
          {"shuffle", options.shuffle},
          {"eval_batch_size", options.eval_batch_size > 0 ? options.eval_batch_size : options.batch_size},
          {"max_steps", options.max_steps},
          {"seed", options.seed},
          {"threads", threads}};
}

// What is not known is left out.
Json compute_json(const ComputeSettings& settings) {
  Json json = {{"threads", settings.threads}};
  if (settings.blas_threads) json["blas_threads"] = *settings.blas_threads;
  if (!settings.blas.empty()) json["blas"] = settings.blas;
  if (!settings.blas_library.empty()) json["blas_library"] = settings.blas_library;
  json["libtorch"] = settings.libtorch;
  return json;
}

// The worst of all epochs: nan, else inf, else finite.
std::string_view worst_loss_state(const TrainingResult& result) {
  std::string_view worst = "finite";
  for (const EpochResult& epoch : result.epochs) {
    const std::string_view state = loss_state(epoch.train_loss);
    if (state == "nan" || worst == "finite") worst = state;
  }
  return worst;
}

double percent(double share) {
  return 100 * share;
}

}  // namespace

std::string_view loss_state(double loss) {
  if (std::isnan(loss)) return "nan";
  return std::isinf(loss) ? "inf" : "finite";
}

double chance_accuracy(const DatasetPart& test) {
  std::array<std::int64_t, 256> counts{};
  for (const std::uint8_t label : test.labels) ++counts[label];
  return static_cast<double>(std::ranges::max(counts)) / static_cast<double>(test.count());
}

std::string epoch_line(const EpochResult& result, const TrainerOptions& options) {
  const std::string head =
      fmt::format("epoch {}/{}: loss {}", result.epoch, options.epochs, loss_text(result.train_loss));
  const double step_ms = result.steps > 0 ? 1000 * result.train_seconds / static_cast<double>(result.steps) : 0;
  const std::string accuracy = result.is_complete ? fmt::format("test accuracy {:.2f} %", percent(result.test_accuracy))
                                                  : fmt::format("stopped after step {}", result.steps);
  return fmt::format("{}, {}, {:.1f} s ({:.2f} ms a step)", head, accuracy, result.seconds, step_ms);
}

std::string verdict(const TrainingResult& result, const TrainerOptions& options, double chance) {
  const std::string_view state = worst_loss_state(result);
  if (state != "finite") {
    return fmt::format("the loss became {}: the learning rate {} may be too high",
                       state == "nan" ? "not a number" : "infinite", options.learning_rate);
  }
  if (result.epochs.empty() || !result.epochs.back().is_complete) return "";
  const double accuracy = result.epochs.back().test_accuracy;
  if (accuracy > chance + kNearChance) return "";
  return fmt::format(
      "nothing was learned: {:.2f} % is no better than always naming the most frequent class ({:.2f} %); with {}, the "
      "learning rate {} may be too {}",
      percent(accuracy), percent(chance), options.optimizer, options.learning_rate,
      result.epochs.back().train_loss > kLossOfGuessing * kClearlyWorse ? "high" : "high or too low");
}

std::string allocation_line(const FailedAllocation& failed) {
  return fmt::format(
      "memory ran out: {} bytes ({:.1f} MiB) were asked for and not given, in {}; narrower layers or a smaller "
      "batch_size need less",
      failed.bytes, static_cast<double>(failed.bytes) / (1024.0 * 1024.0), failed.place);
}

std::string metrics_json(const TrainerOptions& options, const RunFigures& figures, const TrainingResult& result) {
  Json epochs = Json::array();
  for (const EpochResult& epoch : result.epochs) epochs.push_back(epoch_json(epoch));
  const auto last =
      std::find_if(result.epochs.rbegin(), result.epochs.rend(), [](const auto& e) { return e.is_complete; });
  Json json = {{"settings", settings_json(options, result.threads)},
               {"parameter_count", result.parameter_count},
               {"train_count", figures.train_count},
               {"test_count", figures.test_count},
               {"epochs", epochs}};
  json["test_accuracy"] = last == result.epochs.rend() ? Json(nullptr) : Json(last->test_accuracy);
  json["chance_accuracy"] = figures.chance_accuracy;
  json["train_loss"] = result.epochs.empty() ? Json(nullptr) : number_or_word(result.epochs.back().train_loss);
  json["loss_state"] = worst_loss_state(result);
  json["was_stopped"] = result.was_stopped;
  const std::optional<std::int64_t> tensor_peak = figures.tensors.peak_bytes();
  json["tensor_bytes_peak"] = tensor_peak ? Json(*tensor_peak) : Json(nullptr);
  json["tensor_memory"] = tensor_peak ? figures.tensors.json() : Json(nullptr);
  json["load_seconds"] = figures.load_seconds;
  json["seconds"] = figures.seconds;
  return json.dump();
}

TrainingReporter::TrainingReporter(const TrainerOptions& options, EventSender& events,
                                   std::function<bool()> should_stop)
    : options_(options), events_(events), should_stop_(std::move(should_stop)), is_terminal_(::isatty(STDERR_FILENO)) {}

void TrainingReporter::say(std::string_view line) {
  clear_live_line();
  fmt::print(stderr, "{}\n", line);
}

void TrainingReporter::clear_live_line() {
  if (has_live_line_) fmt::print(stderr, "\r\x1b[K");
  has_live_line_ = false;
}

void TrainingReporter::on_loaded(const ComputeSettings& settings) {
  Json event = compute_json(settings);
  event["event"] = "settings";
  events_.send(event.dump());
}

void TrainingReporter::on_phase(std::string_view name) {
  events_.send(encode_phase(name));
}

void TrainingReporter::on_built(std::int64_t parameter_count, std::int64_t threads) {
  events_.send(encode_metric({"parameter_count", static_cast<double>(parameter_count), {}}));
  say(fmt::format("{} weights and biases; {}, learning rate {}, batches of {}, {} thread{}", parameter_count,
                  options_.optimizer, options_.learning_rate, options_.batch_size, threads, threads == 1 ? "" : "s"));
}

void TrainingReporter::on_step(const StepProgress& progress) {
  if (!is_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_live_line_) return;
  next_live_line_ = now + kLiveLinePeriod;
  has_live_line_ = true;
  fmt::print(stderr, "\r\x1b[Kepoch {}/{}: step {} of {}, loss {:.4g}", progress.epoch, options_.epochs, progress.step,
             progress.steps, progress.mean_loss);
}

void TrainingReporter::on_epoch(const EpochResult& result) {
  say(epoch_line(result, options_));
  EpochEvent event{result.epoch, {{"train_loss", result.train_loss}}};
  if (result.is_complete) event.values.emplace_back("test_accuracy", result.test_accuracy);
  event.values.emplace_back("seconds", result.seconds);
  event.values.emplace_back("train_seconds", result.train_seconds);
  event.values.emplace_back("steps", static_cast<double>(result.steps));
  event.values.emplace_back("is_partial", result.is_complete ? 0 : 1);
  events_.send(encode_epoch(event));
}

bool TrainingReporter::wants_tensors() const {
  const char* accounting = std::getenv("MEMTRACK_TENSOR_ACCOUNTING");
  return accounting == nullptr || std::string_view(accounting) != "off";
}

void TrainingReporter::on_tensors(const PhaseTensors& ended) {
  const TensorFigures& figures = ended.figures;
  events_.send(encode_metric({"tensor_bytes_peak", static_cast<double>(figures.peak_bytes), ended.epoch}));
  if (!tensors_.take(ended)) return;
  for (const std::string& event : encode_tensor_memory(ended.phase, figures.tensors)) events_.send(event);
}

}  // namespace memtrack
