#include "tools/report/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "sweeps/nearest_name.h"
#include "tools/exit_codes.h"
#include "tools/parameter_leaves.h"
#include "tools/values.h"

namespace memtrack {
namespace {

using Column = std::function<Value(const ReportRow&)>;

std::optional<std::string> layers_of(const ReportRow& row) {
  return row.hidden_layers ? std::optional(layers_text(*row.hidden_layers)) : std::nullopt;
}

const std::map<std::string_view, Column>& columns() {
  static const std::map<std::string_view, Column> kColumns = {
      {"number", [](const ReportRow& row) { return Value(row.number); }},
      {"repeat", [](const ReportRow& row) { return Value(row.repeat); }},
      {"state", [](const ReportRow& row) { return Value(std::string(to_string(row.state))); }},
      {"dataset", [](const ReportRow& row) { return value_of(row.dataset); }},
      {"learning_rate", [](const ReportRow& row) { return value_of(row.learning_rate); }},
      {"epochs", [](const ReportRow& row) { return value_of(row.epochs); }},
      {"batch_size", [](const ReportRow& row) { return value_of(row.batch_size); }},
      {"hidden_layers", [](const ReportRow& row) { return value_of(layers_of(row)); }},
      {"depth", [](const ReportRow& row) { return value_of(row.depth); }},
      {"hidden_nodes", [](const ReportRow& row) { return value_of(row.hidden_nodes); }},
      {"parameter_count", [](const ReportRow& row) { return value_of(row.parameter_count); }},
      {"memory", [](const ReportRow& row) { return value_of(row.memory_bytes); }},
      {"reported", [](const ReportRow& row) { return value_of(row.reported_memory_mib); }},
      {"peak", [](const ReportRow& row) { return value_of(row.peak_rss_bytes); }},
      {"accuracy", [](const ReportRow& row) { return value_of(row.test_accuracy); }},
      {"ticks", [](const ReportRow& row) { return Value(row.tick_count); }},
  };
  return kColumns;
}

Value leaf_value(const ParameterLeaf& leaf) {
  const auto json = nlohmann::json::parse(leaf.json);
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  return leaf.text;
}

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// -1, 0, 1; nullopt: a number and a text have no order.
std::optional<int> compare(const Value& held, const std::string& asked) {
  const std::optional<double> number = real_of(held), other = number_in(asked);
  if (number && other) return *number < *other ? -1 : *number > *other ? 1 : 0;
  if (number || !text_of(held)) return std::nullopt;
  const int order = text_of(held)->compare(asked);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

// Nothing behind all else, numbers before words.
bool stands_before(const Value& a, const Value& b, bool largest_first) {
  const auto rank = [](const Value& value) { return real_of(value) ? 0 : text_of(value) ? 1 : 2; };
  if (rank(a) != rank(b)) return rank(a) < rank(b);
  const Value& first = largest_first ? b : a;
  const Value& second = largest_first ? a : b;
  if (rank(a) == 0) return *real_of(first) < *real_of(second);
  return rank(a) == 1 && *text_of(first) < *text_of(second);
}

}  // namespace

Value report_field(const ReportRow& row, std::string_view name) {
  if (const auto found = columns().find(name); found != columns().end()) return found->second(row);
  for (const ParameterLeaf& leaf : parameter_leaves(row.parameters)) {
    if (leaf.name == name) return leaf_value(leaf);
  }
  return {};
}

void check_field(const std::vector<ReportRow>& rows, std::string_view name, std::string_view option) {
  std::vector<std::string> known;
  for (const auto& [column, value] : columns()) known.emplace_back(column);
  const std::size_t own = known.size();
  for (const ReportRow& row : rows) {
    for (const ParameterLeaf& leaf : parameter_leaves(row.parameters)) {
      if (std::find(known.begin(), known.end(), leaf.name) == known.end()) known.push_back(leaf.name);
    }
  }
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  const std::vector<std::string_view> names(known.begin(), known.end());
  const std::span<const std::string_view> all = names;
  throw UsageError(fmt::format("{} names {}{}; there are {}, and the trials' parameters{}{}", option,
                               memtrack::quoted(name), did_you_mean(name, names), join_names(all.first(own)),
                               own == names.size() ? "" : ": ", join_names(all.subspan(own))));
}

Filter parse_filter(std::string_view text) {
  constexpr std::array<std::string_view, 6> kComparisons = {"!=", "<=", ">=", "=", "<", ">"};
  const std::size_t at = text.find_first_of("!<>=");
  if (at != std::string_view::npos && at > 0) {
    for (const std::string_view comparison : kComparisons) {
      if (text.substr(at).starts_with(comparison)) {
        return {std::string(text.substr(0, at)), std::string(comparison),
                std::string(text.substr(at + comparison.size()))};
      }
    }
  }
  throw UsageError(fmt::format("--filter is {}, and would have to be NAME=VALUE, with = or one of != < <= > >=",
                               memtrack::quoted(text)));
}

bool passes(const ReportRow& row, const Filter& filter) {
  const Value held = report_field(row, filter.name);
  if (std::holds_alternative<std::monostate>(held)) return false;
  const std::optional<int> order = compare(held, filter.value);
  if (filter.comparison == "!=") return order != 0;
  if (!order) return false;
  if (filter.comparison == "=") return *order == 0;
  return filter.comparison == "<"    ? *order < 0
         : filter.comparison == "<=" ? *order <= 0
         : filter.comparison == ">"  ? *order > 0
                                     : *order >= 0;
}

void sort_rows(std::vector<ReportRow>& rows, const std::vector<std::string>& names) {
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const bool largest_first = name->starts_with('-');
    const std::string_view field = std::string_view(*name).substr(largest_first ? 1 : 0);
    std::vector<std::pair<Value, std::size_t>> keys;
    for (std::size_t i = 0; i < rows.size(); ++i) keys.emplace_back(report_field(rows[i], field), i);
    std::stable_sort(keys.begin(), keys.end(),
                     [&](const auto& a, const auto& b) { return stands_before(a.first, b.first, largest_first); });
    std::vector<ReportRow> sorted;
    for (const auto& [value, i] : keys) sorted.push_back(std::move(rows[i]));
    rows = std::move(sorted);
  }
}

std::vector<std::vector<ReportRow>> group_rows(const std::vector<ReportRow>& rows,
                                               const std::vector<std::string>& names) {
  std::vector<std::vector<ReportRow>> groups;
  std::map<std::vector<Value>, std::size_t> index;
  for (const ReportRow& row : rows) {
    std::vector<Value> key;
    for (const std::string& name : names) key.push_back(report_field(row, name));
    const auto [found, is_new] = index.try_emplace(key, groups.size());
    if (is_new) groups.emplace_back();
    groups[found->second].push_back(row);
  }
  return groups;
}

std::string field_text(const ReportRow& row, std::string_view name) {
  const Value value = report_field(row, name);
  if (const auto whole = whole_of(value)) return std::to_string(*whole);
  if (const auto real = real_of(value)) return fmt::format("{}", *real);
  return text_of(value).value_or("-");
}

}  // namespace memtrack
