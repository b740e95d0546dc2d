// Which parameters a report shows in columns of their own.

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tools/parameter_leaves.h"
#include "tools/report/report.h"

namespace memtrack {
namespace {

using nlohmann::ordered_json;

// True where `value` is what stands in a typed column of the row, which shows it already.
bool has_own_column(const ReportRow& row, const std::string& json) {
  const ordered_json value = ordered_json::parse(json);
  const auto is = [&](const auto& column) { return column && value == ordered_json(*column); };
  return is(row.dataset) || is(row.learning_rate) || is(row.epochs) || is(row.batch_size) ||
         (row.hidden_layers && value.is_array() && value == ordered_json::parse(*row.hidden_layers));
}

}  // namespace

std::vector<VaryingParameter> varying_parameters(const std::vector<ReportRow>& rows) {
  std::vector<VaryingParameter> parameters;
  std::map<std::string, std::size_t> index;
  std::set<std::string> without_column;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const ParameterLeaf& leaf : parameter_leaves(rows[i].parameters)) {
      const auto [found, is_new] = index.try_emplace(leaf.name, parameters.size());
      if (is_new) {
        parameters.push_back({leaf.name, std::vector<std::string>(rows.size())});
      }
      parameters[found->second].values[i] = leaf.text;
      if (!has_own_column(rows[i], leaf.json)) {
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
