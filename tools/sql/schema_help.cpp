#include "tools/sql/schema_help.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "storage/query.h"
#include "sweeps/nearest_name.h"
#include "tools/exit_codes.h"
#include "tools/values.h"

namespace memtrack {
namespace {

constexpr std::size_t kMeaningWidth = 30;

constexpr const char* kRelations =
    "SELECT name, type, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%' ORDER BY "
    "name";

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n";
  const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::string_view line_at(std::string_view text, std::size_t at) {
  return text.substr(at, text.find('\n', at) - at);
}

// Where the column is defined: its name first on a line, or behind a comma. npos: nowhere.
std::size_t definition_of(std::string_view definition, std::string_view column) {
  for (std::size_t at = definition.find(column); at != std::string_view::npos; at = definition.find(column, at + 1)) {
    const std::size_t end = at + column.size();
    const std::string_view before = trimmed(definition.substr(0, at));
    const std::string_view line_before = definition.substr(0, at).substr(definition.substr(0, at).rfind('\n') + 1);
    const bool starts =
        (trimmed(line_before).empty() || before.ends_with(',')) && line_before.find("--") == line_before.npos;
    if (starts && at > 0 && !is_word(definition[at - 1]) && end < definition.size() && definition[end] == ' ')
      return end;
  }
  return std::string_view::npos;
}

// "... AS (a - b) VIRTUAL": "= a - b"; empty where the formula goes on in the next line.
std::string formula_in(std::string_view line) {
  constexpr std::string_view kBefore = "GENERATED ALWAYS AS (", kBehind = ") VIRTUAL";
  const std::size_t begin = line.find(kBefore), end = line.find(kBehind);
  if (begin == std::string_view::npos || end == std::string_view::npos) return "";
  return "= " + std::string(line.substr(begin + kBefore.size(), end - begin - kBefore.size()));
}

}  // namespace

std::string relation_meaning(std::string_view definition) {
  std::string meaning;
  const std::size_t first = definition.find('\n');
  for (std::size_t at = first == std::string_view::npos ? definition.size() : first + 1; at < definition.size();) {
    const std::string_view line = line_at(definition, at);
    const std::string_view text = trimmed(line);
    if (!text.starts_with("--")) break;
    meaning += (meaning.empty() ? "" : " ") + std::string(trimmed(text.substr(2)));
    at += line.size() + 1;
  }
  return meaning;
}

std::string column_meaning(std::string_view definition, std::string_view column) {
  const std::size_t at = definition_of(definition, column);
  if (at == std::string_view::npos) return "";
  const std::string_view behind = definition.substr(at);
  if (const std::string_view text = trimmed(behind); text.starts_with("/*")) {
    return std::string(trimmed(text.substr(2, text.find("*/") - 2)));
  }
  const std::string_view line = line_at(behind, 0);
  const std::size_t comment = line.find("--");
  const std::string formula = formula_in(line);
  const std::string said = comment == std::string_view::npos ? "" : std::string(trimmed(line.substr(comment + 2)));
  return formula.empty() ? said : formula + (said.empty() ? "" : "; " + said);
}

TextTable relations_help(Database& database) {
  TextTable table{
      .columns = {{.title = "relation", .is_key = true}, {.title = "is"}, {.title = "holds", .fold_to = kMeaningWidth}},
      .rows = {}};
  for (const auto& row : query(database, kRelations).rows) {
    table.rows.push_back({text_of(row[0]).value(), text_of(row[1]).value(), relation_meaning(text_of(row[2]).value())});
  }
  return table;
}

RelationHelp relation_help(Database& database, const std::string& relation) {
  std::vector<std::string> names;
  for (const auto& row : query(database, kRelations).rows) {
    names.push_back(text_of(row[0]).value());
    if (names.back() != relation) continue;
    const std::string definition = text_of(row[2]).value(), meaning = relation_meaning(definition);
    RelationHelp help{
        .head = fmt::format("{} ({}){}{}", relation, text_of(row[1]).value(), meaning.empty() ? "" : ": ", meaning),
        .columns = {.columns = {{.title = "column", .is_key = true},
                                {.title = "type"},
                                {.title = "meaning", .fold_to = kMeaningWidth}},
                    .rows = {}}};
    for (const auto& column : query(database, "SELECT name, type FROM pragma_table_xinfo(?1)", {relation}).rows) {
      const std::string name = text_of(column[0]).value();
      help.columns.rows.push_back({name, text_of(column[1]).value_or(""), column_meaning(definition, name)});
    }
    return help;
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  throw UsageError(fmt::format("there is no relation {}{}; there are {}", memtrack::quoted(relation),
                               did_you_mean(relation, known), join_names(known)));
}

}  // namespace memtrack
