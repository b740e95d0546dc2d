#include "sweeps/columns.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "sweeps/nearest_name.h"
#include "sweeps/parameters.h"
#include "sweeps/trainer_parameters.h"

namespace memtrack {
namespace {

constexpr std::array<std::string_view, 6> kColumns = {"dataset",    "learning_rate", "epochs",
                                                      "batch_size", "hidden_layers", kReportedMemory};

// In lower case and with '_' for '-'; the likelier one first.
struct Alias {
  std::string_view column;
  std::string_view name;
};
constexpr std::array<Alias, 42> kAliases = {{
    {"dataset", "data"},
    {"dataset", "dataset_name"},
    {"dataset", "data_set"},
    {"dataset", "task"},
    {"learning_rate", "lr"},
    {"learning_rate", "learningrate"},
    {"learning_rate", "learn_rate"},
    {"learning_rate", "base_lr"},
    {"learning_rate", "init_lr"},
    {"learning_rate", "initial_lr"},
    {"learning_rate", "lr0"},
    {"learning_rate", "base_learning_rate"},
    {"learning_rate", "initial_learning_rate"},
    {"epochs", "epoch"},
    {"epochs", "num_epochs"},
    {"epochs", "n_epochs"},
    {"epochs", "nb_epochs"},
    {"epochs", "nepochs"},
    {"epochs", "max_epochs"},
    {"epochs", "num_train_epochs"},
    {"epochs", "number_of_epochs"},
    {"batch_size", "batch"},
    {"batch_size", "bs"},
    {"batch_size", "batchsize"},
    {"batch_size", "bsz"},
    {"batch_size", "train_batch_size"},
    {"batch_size", "batch_size_train"},
    {"batch_size", "mini_batch_size"},
    {"batch_size", "minibatch_size"},
    {"batch_size", "per_device_train_batch_size"},
    {"hidden_layers", "layers"},
    {"hidden_layers", "hidden_sizes"},
    {"hidden_layers", "hidden_layer_sizes"},
    {"hidden_layers", "hidden_dims"},
    {"hidden_layers", "hidden_units"},
    {"hidden_layers", "hidden_nodes"},
    {"hidden_layers", "hidden_widths"},
    {"hidden_layers", "hidden"},
    {"hidden_layers", "layer_sizes"},
    {"hidden_layers", "layer_widths"},
    {"hidden_layers", "layer_dims"},
    {"hidden_layers", "widths"},
}};

// The one value of that (folded) name in `values` or in the dicts nested in it; nullptr where there is none or several
// nested ones.
const ParameterValue* find_folded(const ValueDict& values, std::string_view wanted) {
  for (const auto& [name, value] : values) {
    if (folded_name(name) == wanted) {
      return &value;
    }
  }
  const ParameterValue* only = nullptr;
  for (const auto& [name, value] : values) {
    const auto* inner = std::get_if<ValueDict>(&value.data);
    const ParameterValue* found = inner == nullptr ? nullptr : find_folded(*inner, wanted);
    if (found != nullptr && only != nullptr) {
      return nullptr;
    }
    only = found != nullptr ? found : only;
  }
  return only;
}

const ParameterValue* find_column(const ValueDict& values, std::string_view column,
                                  const std::vector<ColumnChoice>& choices) {
  for (const ColumnChoice& choice : choices) {
    if (const ParameterValue* chosen = find_value(values, choice.parameter);
        chosen != nullptr && choice.column == column) {
      return chosen;
    }
  }
  if (const ParameterValue* found = find_folded(values, column)) {
    return found;
  }
  for (const Alias& alias : kAliases) {
    const ParameterValue* found = alias.column == column ? find_folded(values, alias.name) : nullptr;
    if (found != nullptr) {
      return found;
    }
  }
  return nullptr;
}

std::optional<std::int64_t> as_whole(const ParameterValue* value) {
  if (value == nullptr) {
    return std::nullopt;
  }
  if (const auto* whole = std::get_if<std::int64_t>(&value->data)) {
    return *whole;
  }
  const auto* real = std::get_if<double>(&value->data);
  if (real != nullptr && std::trunc(*real) == *real && std::abs(*real) < 1e15) {
    return static_cast<std::int64_t>(*real);
  }
  return std::nullopt;
}

std::optional<double> as_real(const ParameterValue* value) {
  if (value == nullptr) {
    return std::nullopt;
  }
  if (const auto* whole = std::get_if<std::int64_t>(&value->data)) {
    return static_cast<double>(*whole);
  }
  const auto* real = std::get_if<double>(&value->data);
  return real != nullptr && std::isfinite(*real) ? std::optional(*real) : std::nullopt;
}

std::optional<std::string> as_text(const ParameterValue* value) {
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(&value->data);
  return text == nullptr ? std::nullopt : std::optional(*text);
}

// [128, 64], or one of the texts "[128, 64]" and "128,64".
std::optional<std::vector<std::int64_t>> as_widths(const ParameterValue* value) {
  if (value == nullptr ||
      (!std::holds_alternative<ValueList>(value->data) && !std::holds_alternative<std::string>(value->data))) {
    return std::nullopt;
  }
  TrainerOptions options;
  try {
    set_trainer_option(options, "hidden_layers", python_str(*value));
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
  return options.hidden_layers;
}

}  // namespace

std::span<const std::string_view> typed_column_names() {
  return kColumns;
}

bool is_typed_column(std::string_view name) {
  return std::find(kColumns.begin(), kColumns.end(), name) != kColumns.end();
}

TypedColumns typed_columns(const ValueDict& values, const std::vector<ColumnChoice>& choices) {
  const auto find = [&](std::string_view column) { return find_column(values, column, choices); };
  TypedColumns columns;
  columns.dataset = as_text(find("dataset"));
  columns.learning_rate = as_real(find("learning_rate"));
  columns.epochs = as_whole(find("epochs"));
  columns.batch_size = as_whole(find("batch_size"));
  columns.hidden_layers = as_widths(find("hidden_layers"));
  columns.reported_memory_mib = as_real(find(kReportedMemory));
  return columns;
}

}  // namespace memtrack
