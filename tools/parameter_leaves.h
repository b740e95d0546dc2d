#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace memtrack {

// One value of a trial's parameters; nested ones are named as "optimizer.lr".
struct ParameterLeaf {
  std::string name;
  std::string json;  // "0.01", "\"adam\"", "[128,64]"
  std::string text;  // as people read it: 0.01, adam, 128-64 (a list of widths), [0.5,"x"]
};

// In the order of `parameters_json`, one JSON object.
std::vector<ParameterLeaf> parameter_leaves(std::string_view parameters_json);

// What stands in a trial's typed columns.
struct TypedValues {
  std::optional<std::string> dataset = {};
  std::optional<double> learning_rate = {};
  std::optional<std::int64_t> epochs = {}, batch_size = {};
  std::optional<std::string> hidden_layers = {};  // a JSON list
};
// True where the leaf's value is one of them, and so told already, whatever its name: it may be "optimizer.lr".
bool has_own_column(const TypedValues& typed, const ParameterLeaf& leaf);

// "[128, 64]" -> "128-64"; what is no list of whole numbers stays as it is.
std::string layers_text(std::string_view json);

}  // namespace memtrack
