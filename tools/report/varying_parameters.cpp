// Which parameters a report shows in columns of their own.

#include <algorithm>
#include <map>
#include <set>

#include "tools/parameter_leaves.h"
#include "tools/report/report.h"

namespace memtrack {
std::vector<VaryingParameter> varying_parameters(const std::vector<ReportRow>& rows) {
  std::vector<VaryingParameter> parameters;
  std::map<std::string, std::size_t> index;
  std::set<std::string> without_column;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const TypedValues typed{.dataset = rows[i].dataset,
                            .learning_rate = rows[i].learning_rate,
                            .epochs = rows[i].epochs,
                            .batch_size = rows[i].batch_size,
                            .hidden_layers = rows[i].hidden_layers};
    for (const ParameterLeaf& leaf : parameter_leaves(rows[i].parameters)) {
      const auto [found, is_new] = index.try_emplace(leaf.name, parameters.size());
      if (is_new) {
        parameters.push_back({leaf.name, std::vector<std::string>(rows.size())});
      }
      parameters[found->second].values[i] = leaf.text;
      if (!has_own_column(typed, leaf)) {
        without_column.insert(leaf.name);
      }
    }
  }
  std::erase_if(parameters, [&](const VaryingParameter& parameter) {
    const auto& values = parameter.values;
    const bool same = std::all_of(values.begin(), values.end(), [&](const auto& value) { return value == values[0]; });
    return same || !without_column.contains(parameter.name);
  });
  return parameters;
}

}  // namespace memtrack
