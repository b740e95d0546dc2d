#include "daemon/api_rows.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace memtrack {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t kPageRows = 500;

const std::set<std::string> kJsonColumns = {"parameters", "settings", "command", "hidden_layers", "overrides"};

ordered_json to_json(const std::string& column, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    ordered_json parsed = kJsonColumns.contains(column) ? ordered_json::parse(*text, nullptr, false) : ordered_json();
    return kJsonColumns.contains(column) && !parsed.is_discarded() ? parsed : ordered_json(*text);
  }
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return *number;
  }
  if (const auto* real = std::get_if<double>(&value)) {
    return *real;
  }
  return nullptr;
}

// Reads page after page; each is a query of its own, so that nothing is held open while a client reads slowly.
class Pages {
 public:
  Pages(Database& database, PagedQuery query) : database_(database), query_(std::move(query)) {}

  std::optional<std::string> next() {
    if (done_) {
      return std::nullopt;
    }
    const std::int64_t wanted = std::min(kPageRows, query_.limit.value_or(kPageRows));
    std::vector<Value> parameters = {query_.after, wanted};
    parameters.insert(parameters.end(), query_.parameters.begin(), query_.parameters.end());
    const ResultTable page = query(database_, query_.sql, parameters);
    std::string piece;
    for (const std::vector<Value>& row : page.rows) {
      piece += first_ ? "\n" : ",\n";
      piece += row_to_json(page.columns, row);
      first_ = false;
    }
    step(page, wanted);
    return done_ ? piece + "\n]\n" : piece;
  }

 private:
  void step(const ResultTable& page, std::int64_t wanted) {
    const auto count = static_cast<std::int64_t>(page.rows.size());
    if (query_.limit) {
      *query_.limit -= count;
    }
    done_ = count < wanted || query_.limit == 0;
    if (count > 0) {
      query_.after = std::get<std::int64_t>(page.rows.back().front());
    }
  }

  Database& database_;
  PagedQuery query_;
  bool first_ = true;
  bool done_ = false;
};

}  // namespace

std::string row_to_json(const std::vector<std::string>& columns, const std::vector<Value>& row) {
  ordered_json object = ordered_json::object();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    object[columns[i]] = to_json(columns[i], row[i]);
  }
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::optional<std::string> one_row(Database& database, const std::string& sql, const std::vector<Value>& parameters) {
  const ResultTable found = query(database, sql, parameters);
  return found.rows.empty() ? std::nullopt : std::optional(row_to_json(found.columns, found.rows.front()));
}

HttpResponse paged_list(Database& database, PagedQuery query) {
  const auto pages = std::make_shared<Pages>(database, std::move(query));
  // The first page is read at once, so that what is wrong with the database becomes an error and not half an answer.
  std::string first = "[" + pages->next().value_or("");
  return {.status = 200, .body = std::move(first), .next_piece = [pages] { return pages->next(); }};
}

}  // namespace memtrack
