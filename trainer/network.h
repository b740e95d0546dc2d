#pragma once

// The network of one trial and its optimizer. Includes torch/torch.h: for the files of memtrack-training.so alone.

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "datasets/dataset.h"
#include "sweeps/trainer_parameters.h"
#include "trainer/tensor_ledger.h"

namespace memtrack {

// Convolutions if asked, then fully connected layers. A layer is what has weights, with the activation, pooling and
// dropout that follow it: conv1, conv2, ..., hidden1, hidden2, ..., output.
class Network {
 public:
  // Adds its layers to `ledger`, their weights being `parameters` there.
  Network(const TrainerOptions& options, const ImageShape& shape, std::int64_t classes, TensorLedger& ledger);

  torch::Tensor forward(torch::Tensor input);
  void train(bool on) { modules_->train(on); }
  void zero_gradients() { modules_->zero_grad(false); }
  std::vector<torch::Tensor> parameters() const { return modules_->parameters(); }
  std::int64_t parameter_count() const;

  // Tells the ledger which blocks are gradients: after the first backward pass.
  void assign_gradients();

  // The layer that is being made or was last begun by forward().
  const std::string& layer_in_hand() const { return ledger_.layer_name(layer_in_hand_); }
  // The layer that a backward pass which did not end was at.
  const std::string& layer_in_backward() const;

 private:
  void begin_layer(const std::string& name);
  template <typename Module, typename... Arguments>
  void add(const Arguments&... arguments);
  void add_activation(const std::string& name);
  std::int64_t add_convolutions(const TrainerOptions& options, ImageShape shape);

  TensorLedger& ledger_;
  torch::nn::Sequential modules_;
  std::vector<std::uint32_t> layer_of_module_;
  std::vector<std::uint32_t> layer_of_parameter_;
  std::vector<std::int64_t> first_versions_;  // of the gradients, after the first step
  std::uint32_t layer_in_hand_ = 0;
};

std::unique_ptr<torch::optim::Optimizer> build_optimizer(const TrainerOptions& options,
                                                         std::vector<torch::Tensor> weights);

}  // namespace memtrack
