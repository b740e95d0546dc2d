// An ordinary LibTorch training loop. Only what LibTorch 1.13 and 2.x both have.

#include "trainer/training.h"

#include <malloc.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "trainer/batches.h"

namespace memtrack {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void add_activation(torch::nn::Sequential& network, const std::string& name) {
  if (name == "relu") return network->push_back(torch::nn::ReLU());
  if (name == "tanh") return network->push_back(torch::nn::Tanh());
  if (name == "sigmoid") return network->push_back(torch::nn::Sigmoid());
  if (name == "gelu") return network->push_back(torch::nn::GELU());
  throw std::invalid_argument("unknown activation '" + name + "'");
}

// Weights by the named rule, biases 0; "libtorch" leaves what the layers drew when they were made.
void initialise(const torch::nn::Sequential& network, const std::string& rule) {
  if (rule == "libtorch") return;
  for (const torch::Tensor& parameter : network->parameters()) {
    if (parameter.dim() == 1) {
      torch::nn::init::zeros_(parameter);
    } else if (rule == "kaiming") {
      torch::nn::init::kaiming_normal_(parameter, 0, torch::kFanIn, torch::kReLU);
    } else if (rule == "xavier") {
      torch::nn::init::xavier_uniform_(parameter);
    } else {
      throw std::invalid_argument("unknown init '" + rule + "'");
    }
  }
}

// Adds the convolutions and returns their number of outputs an image.
std::int64_t add_convolutions(torch::nn::Sequential& network, const TrainerOptions& options, ImageShape shape) {
  if (options.conv_layers.empty()) return shape.image_bytes();
  const std::vector<std::int64_t> sizes = {shape.channels, shape.height, shape.width};
  network->push_back(torch::nn::Unflatten(torch::nn::UnflattenOptions(1, sizes)));
  for (const auto& [channels, kernel] : options.conv_layers) {
    network->push_back(
        torch::nn::Conv2d(torch::nn::Conv2dOptions(shape.channels, channels, kernel).padding(kernel / 2)));
    add_activation(network, options.activation);
    network->push_back(torch::nn::MaxPool2d(2));
    shape = {channels, shape.height / 2, shape.width / 2};
  }
  network->push_back(torch::nn::Flatten());
  return shape.image_bytes();
}

torch::nn::Sequential build_network(const TrainerOptions& options, const ImageShape& shape, std::int64_t classes) {
  torch::nn::Sequential network;
  std::int64_t width = add_convolutions(network, options, shape);
  for (const std::int64_t next : options.hidden_layers) {
    network->push_back(torch::nn::Linear(width, next));
    add_activation(network, options.activation);
    if (options.dropout > 0) network->push_back(torch::nn::Dropout(options.dropout));
    width = next;
  }
  network->push_back(torch::nn::Linear(width, classes));
  initialise(network, options.init);
  return network;
}

template <typename Algorithm, typename AlgorithmOptions>
std::unique_ptr<torch::optim::Optimizer> optimizer_of(std::vector<torch::Tensor> parameters, AlgorithmOptions settings,
                                                      const TrainerOptions& options) {
  settings.weight_decay(options.weight_decay);
  return std::make_unique<Algorithm>(std::move(parameters), settings);
}

std::unique_ptr<torch::optim::Optimizer> build_optimizer(const TrainerOptions& options,
                                                         std::vector<torch::Tensor> weights) {
  using namespace torch::optim;
  const std::string& name = options.optimizer;
  const double rate = options.learning_rate;
  if (name == "sgd") return optimizer_of<SGD>(std::move(weights), SGDOptions(rate), options);
  if (name == "momentum") {
    return optimizer_of<SGD>(std::move(weights), SGDOptions(rate).momentum(options.momentum), options);
  }
  if (name == "adam") return optimizer_of<Adam>(std::move(weights), AdamOptions(rate), options);
  if (name == "adamw") return optimizer_of<AdamW>(std::move(weights), AdamWOptions(rate), options);
  if (name == "rmsprop") return optimizer_of<RMSprop>(std::move(weights), RMSpropOptions(rate), options);
  throw std::invalid_argument("unknown optimizer '" + name + "'");
}

Standardiser build_standardiser(const TrainerOptions& options, const TrainingData& data) {
  if (options.standardise) return Standardiser(channel_statistics(data.train, data.shape));
  return Standardiser(std::vector<ChannelStatistics>(static_cast<std::size_t>(data.shape.channels)));
}

std::int64_t count_parameters_of(const torch::nn::Sequential& network) {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : network->parameters()) count += parameter.numel();
  return count;
}

template <typename Number>
std::span<Number> span_of(const torch::Tensor& tensor) {
  return {tensor.data_ptr<Number>(), static_cast<std::size_t>(tensor.numel())};
}

// Room for one batch, filled again for each.
class Batch {
 public:
  Batch(std::int64_t rows, const ImageShape& shape)
      : inputs_(torch::empty({rows, shape.image_bytes()})), labels_(torch::empty({rows}, torch::kInt64)) {}

  void fill(const DatasetPart& part, const ImageShape& shape, const Standardiser& standardiser,
            std::span<const std::int64_t> indices) {
    rows_ = static_cast<std::int64_t>(indices.size());
    gather_batch(part, shape, standardiser, indices, span_of<float>(inputs_), span_of<std::int64_t>(labels_));
  }
  std::int64_t capacity() const { return labels_.numel(); }
  torch::Tensor inputs() const { return inputs_.narrow(0, 0, rows_); }
  torch::Tensor labels() const { return labels_.narrow(0, 0, rows_); }

 private:
  torch::Tensor inputs_;
  torch::Tensor labels_;
  std::int64_t rows_ = 0;
};

class Trainer {
 public:
  Trainer(const TrainerOptions& options, const TrainingData& data, TrainingObserver& observer)
      : options_(options),
        data_(data),
        observer_(observer),
        standardiser_(build_standardiser(options, data)),
        network_(build_network(options, data.shape, data.classes)),
        optimizer_(build_optimizer(options, network_->parameters())),
        batch_(std::min(options.batch_size, data.train.count()), data.shape) {}

  std::int64_t parameter_count() const { return count_parameters_of(network_); }

  EpochResult run_epoch(std::int64_t epoch) {
    const auto begin = Clock::now();
    observer_.on_phase("train");
    EpochResult result = train(epoch);
    result.train_seconds = seconds_since(begin);
    if (result.is_complete) {
      // Batches within training's fit into what it left free. The heap that larger ones take is given back, and so that
      // this phase begins as it ends, what training left free is given back first.
      const bool needs_more = eval_rows() > batch_.capacity();
      if (needs_more) ::malloc_trim(0);
      observer_.on_phase("evaluate");
      evaluate(result);
      if (needs_more) ::malloc_trim(0);
    }
    result.seconds = seconds_since(begin);
    return result;
  }

 private:
  std::int64_t eval_rows() const {
    return std::min(options_.eval_batch_size > 0 ? options_.eval_batch_size : options_.batch_size, data_.test.count());
  }

  EpochResult train(std::int64_t epoch) {
    network_->train();
    const torch::Tensor order = options_.shuffle ? torch::randperm(data_.train.count(), torch::kInt64)
                                                 : torch::arange(data_.train.count(), torch::kInt64);
    const std::span<const std::int64_t> indices = span_of<std::int64_t>(order);
    const std::int64_t steps = (data_.train.count() + options_.batch_size - 1) / options_.batch_size;
    EpochResult result;
    result.epoch = epoch;
    double loss_sum = 0;
    std::int64_t seen = 0;
    while (result.steps < steps && !(result.steps > 0 && observer_.should_stop())) {
      const std::int64_t rows = std::min(options_.batch_size, data_.train.count() - seen);
      batch_.fill(data_.train, data_.shape, standardiser_,
                  indices.subspan(static_cast<std::size_t>(seen), static_cast<std::size_t>(rows)));
      loss_sum += train_step(batch_) * static_cast<double>(rows);
      seen += rows;
      result.train_loss = loss_sum / static_cast<double>(seen);
      observer_.on_step({epoch, ++result.steps, steps, result.train_loss});
    }
    result.is_complete = seen == data_.train.count();
    return result;
  }

  double train_step(const Batch& batch) {
    optimizer_->zero_grad();
    const torch::Tensor loss = torch::nn::functional::cross_entropy(network_->forward(batch.inputs()), batch.labels());
    loss.backward();
    optimizer_->step();
    return loss.item<float>();
  }

  void evaluate(EpochResult& result) {
    const torch::NoGradGuard no_grad;
    network_->eval();
    const std::int64_t count = data_.test.count();
    const std::int64_t size = eval_rows();
    std::optional<Batch> larger;
    if (size > batch_.capacity()) larger.emplace(size, data_.shape);
    Batch& batch = larger ? *larger : batch_;
    std::vector<std::int64_t> indices;
    std::int64_t right = 0;
    for (std::int64_t first = 0; first < count; first += size) {
      if (observer_.should_stop()) {
        result.is_complete = false;
        return;
      }
      indices.resize(static_cast<std::size_t>(std::min(size, count - first)));
      std::iota(indices.begin(), indices.end(), first);
      batch.fill(data_.test, data_.shape, standardiser_, indices);
      right += network_->forward(batch.inputs()).argmax(1).eq(batch.labels()).sum().item<std::int64_t>();
    }
    result.test_accuracy = static_cast<double>(right) / static_cast<double>(count);
  }

  const TrainerOptions& options_;
  const TrainingData& data_;
  TrainingObserver& observer_;
  Standardiser standardiser_;
  torch::nn::Sequential network_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  Batch batch_;  // of training; of the evaluation too, where its batches are no larger
};

// What one step frees the next one needs again. By default glibc gives large blocks and the heap's free end back to the
// kernel at once: a step then faults the same pages in again, a quarter of its time with the paper's networks. The peak
// stays the same.
void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest that glibc takes
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

void train(const TrainerOptions& options, const TrainingData& data, TrainingObserver& observer,
           TrainingResult& result) {
  keep_freed_memory();
  at::set_num_threads(static_cast<int>(options.threads));
  torch::manual_seed(static_cast<std::uint64_t>(options.seed));
  observer.on_phase("build");
  Trainer trainer(options, data, observer);
  result.parameter_count = trainer.parameter_count();
  result.threads = at::get_num_threads();
  observer.on_built(result.parameter_count, result.threads);
  for (std::int64_t epoch = 1; epoch <= options.epochs && !result.was_stopped; ++epoch) {
    result.epochs.push_back(trainer.run_epoch(epoch));
    observer.on_epoch(result.epochs.back());
    const bool is_finished = epoch == options.epochs && result.epochs.back().is_complete;
    result.was_stopped = !is_finished && observer.should_stop();
  }
}

}  // namespace
}  // namespace memtrack

extern "C" void memtrack_train(const memtrack::TrainerOptions* options, const memtrack::TrainingData* data,
                               memtrack::TrainingObserver* observer, memtrack::TrainingResult* result) {
  try {
    memtrack::train(*options, *data, *observer, *result);
  } catch (const c10::Error& error) {
    throw std::runtime_error(error.what_without_backtrace());  // its what() is pages of addresses
  }
}
