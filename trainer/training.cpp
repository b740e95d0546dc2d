// An ordinary LibTorch training loop. Only what LibTorch 1.13 and 2.x both have.

#include "trainer/training.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "trainer/batches.h"
#include "trainer/counting_allocator.h"
#include "trainer/network.h"

namespace memtrack {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Standardiser build_standardiser(const TrainerOptions& options, const TrainingData& data) {
  if (options.standardise) return Standardiser(channel_statistics(data.train, data.shape));
  return Standardiser(std::vector<ChannelStatistics>(static_cast<std::size_t>(data.shape.channels)));
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

// How far a training has come: what failed is told by it.
enum class Doing { prepare, forward, backward, optimizer_step, evaluate };

class Trainer {
 public:
  Trainer(const TrainerOptions& options, const TrainingData& data, TrainingObserver& observer, TensorLedger& ledger)
      : options_(options),
        data_(data),
        observer_(observer),
        ledger_(ledger),
        standardiser_(build_standardiser(options, data)),
        network_(options, data.shape, data.classes, ledger),
        optimizer_(build_optimizer(options, network_.parameters())),
        batch_(make_batch(std::min(options.batch_size, data.train.count()))) {}

  std::int64_t parameter_count() const { return network_.parameter_count(); }

  EpochResult run_epoch(std::int64_t epoch) {
    const auto begin = Clock::now();
    observer_.on_phase("train");
    EpochResult result = train(epoch);
    tell_tensors("train", epoch);
    result.train_seconds = seconds_since(begin);
    if (result.is_complete) {
      // Batches within training's fit into what it left free. The heap that larger ones take is given back, and so that
      // this phase begins as it ends, what training left free is given back first.
      const bool needs_more = eval_rows() > batch_.capacity();
      if (needs_more) ::malloc_trim(0);
      observer_.on_phase("evaluate");
      evaluate(result);
      if (needs_more) ::malloc_trim(0);
      tell_tensors("evaluate", epoch);
    }
    result.seconds = seconds_since(begin);
    return result;
  }

  // "phase train, backward pass of layer hidden1"
  std::string place() const {
    switch (doing_) {
      case Doing::forward:
        return "phase train, forward pass of layer " + network_.layer_in_hand();
      case Doing::backward:
        return "phase train, backward pass of layer " + network_.layer_in_backward();
      case Doing::optimizer_step:
        return "phase train, step of the optimizer " + options_.optimizer;
      case Doing::evaluate:
        return "phase evaluate, layer " + network_.layer_in_hand();
      case Doing::prepare:
        break;
    }
    return "phase train, before its first step";
  }

  void tell_tensors(std::string_view phase, std::optional<std::int64_t> epoch) {
    if (observer_.wants_tensors()) observer_.on_tensors({phase, epoch, ledger_.take_figures()});
  }

 private:
  std::int64_t eval_rows() const {
    return std::min(options_.eval_batch_size > 0 ? options_.eval_batch_size : options_.batch_size, data_.test.count());
  }

  Batch make_batch(std::int64_t rows) const {
    const OwnerScope scope(ledger_, {TensorKind::data});
    return Batch(rows, data_.shape);
  }

  torch::Tensor make_order() const {
    torch::Tensor order = make_room_for_order();
    const std::int64_t count = data_.train.count();
    return options_.shuffle ? torch::randperm_out(order, count) : torch::arange_out(order, count);
  }

  torch::Tensor make_room_for_order() const {
    const OwnerScope scope(ledger_, {TensorKind::data});
    return torch::empty({data_.train.count()}, torch::kInt64);
  }

  EpochResult train(std::int64_t epoch) {
    network_.train(true);
    const torch::Tensor order = make_order();
    const std::span<const std::int64_t> indices = span_of<std::int64_t>(order);
    const std::int64_t all_steps = (data_.train.count() + options_.batch_size - 1) / options_.batch_size;
    const std::int64_t steps = options_.max_steps > 0 ? std::min(options_.max_steps, all_steps) : all_steps;
    EpochResult result;
    result.epoch = epoch;
    double loss_sum = 0;
    std::int64_t seen = 0;
    while (result.steps < steps && !(result.steps > 0 && observer_.should_stop())) {
      const std::int64_t rows = std::min(options_.batch_size, data_.train.count() - seen);
      batch_.fill(data_.train, data_.shape, standardiser_,
                  indices.subspan(static_cast<std::size_t>(seen), static_cast<std::size_t>(rows)));
      loss_sum += (has_stepped_ ? train_step() : first_step()) * static_cast<double>(rows);
      seen += rows;
      result.train_loss = loss_sum / static_cast<double>(seen);
      observer_.on_step({epoch, ++result.steps, steps, result.train_loss});
    }
    result.is_complete = result.steps == steps;
    return result;
  }

  // Written down block by block, see TensorLedger.
  double first_step() {
    ledger_.start_journal();
    const double loss = train_step();
    network_.assign_gradients();
    ledger_.assign_survivors_since(optimizer_position_, {TensorKind::optimizer_state});
    ledger_.settle_journal();
    has_stepped_ = true;
    return loss;
  }

  double train_step() {
    network_.zero_gradients();
    doing_ = Doing::forward;
    const torch::Tensor loss = torch::nn::functional::cross_entropy(network_.forward(batch_.inputs()), batch_.labels());
    doing_ = Doing::backward;
    loss.backward();
    doing_ = Doing::optimizer_step;
    optimizer_position_ = ledger_.journal_position();
    optimizer_->step();
    return loss.item<float>();
  }

  void evaluate(EpochResult& result) {
    const torch::NoGradGuard no_grad;
    doing_ = Doing::evaluate;
    network_.train(false);
    const std::int64_t count = data_.test.count();
    const std::int64_t size = eval_rows();
    std::optional<Batch> larger;
    if (size > batch_.capacity()) larger = make_batch(size);
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
      right += network_.forward(batch.inputs()).argmax(1).eq(batch.labels()).sum().item<std::int64_t>();
    }
    result.test_accuracy = static_cast<double>(right) / static_cast<double>(count);
  }

  const TrainerOptions& options_;
  const TrainingData& data_;
  TrainingObserver& observer_;
  TensorLedger& ledger_;
  Standardiser standardiser_;
  Network network_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  Batch batch_;  // of training; of the evaluation too, where its batches are no larger
  Doing doing_ = Doing::prepare;
  bool has_stepped_ = false;
  std::size_t optimizer_position_ = 0;
};

// What one step frees the next one needs again. By default glibc gives large blocks and the heap's free end back to the
// kernel at once: a step then faults the same pages in again, a quarter of its time with the paper's networks. The peak
// stays the same.
void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest that glibc takes
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

std::int64_t bytes_of(const DatasetPart& part) {
  return static_cast<std::int64_t>(part.pixels.size() + part.labels.size());
}

void run_epochs(Trainer& trainer, const TrainerOptions& options, TrainingObserver& observer, TrainingResult& result) {
  for (std::int64_t epoch = 1; epoch <= options.epochs && !result.was_stopped; ++epoch) {
    result.epochs.push_back(trainer.run_epoch(epoch));
    observer.on_epoch(result.epochs.back());
    const bool is_finished = epoch == options.epochs && result.epochs.back().is_complete;
    result.was_stopped = !is_finished && observer.should_stop();
  }
}

void train(const TrainerOptions& options, const TrainingData& data, TrainingObserver& observer,
           TrainingResult& result) {
  keep_freed_memory();
  at::set_num_threads(static_cast<int>(options.threads));
  torch::manual_seed(static_cast<std::uint64_t>(options.seed));
  TensorLedger& ledger = install_counting_allocator(observer.wants_tensors());
  ledger.begin(bytes_of(data.train) + bytes_of(data.test));
  if (observer.wants_tensors()) observer.on_tensors({"load", {}, ledger.take_figures()});
  observer.on_phase("build");
  std::optional<Trainer> trainer;
  try {
    trainer.emplace(options, data, observer, ledger);
    trainer->tell_tensors("build", {});
    result.parameter_count = trainer->parameter_count();
    result.threads = at::get_num_threads();
    observer.on_built(result.parameter_count, result.threads);
    run_epochs(*trainer, options, observer, result);
  } catch (const std::exception&) {
    const std::optional<std::int64_t> bytes = ledger.failed_bytes();
    if (!bytes) throw;
    const std::string place = trainer ? trainer->place() : "phase build, layer " + ledger.last_layer_name();
    result.failed_allocation = {*bytes, place};
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
