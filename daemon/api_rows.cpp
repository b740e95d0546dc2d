#include "daemon/api_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace memtrack {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t kPageRows = 500;

constexpr std::size_t kMostCachedBytes = 4 * 1024 * 1024;

const std::set<std::string> kJsonColumns = {"parameters", "settings", "command", "hidden_layers", "overrides"};

std::string quoted(const std::string& text) {
  const bool plain = std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 127 && c != '"' && c != '\\'; });
  return plain ? '"' + text + '"' : ordered_json(text).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// Columns with the text that stands before their values: thousands of rows share it.
struct JsonColumn {
  std::string head;  // {"trial_id": or ,"uid":
  bool holds_json = false;
};

std::vector<JsonColumn> json_columns(const std::vector<std::string>& names) {
  std::vector<JsonColumn> columns;
  for (const std::string& name : names) {
    columns.push_back({(columns.empty() ? "{" : ",") + quoted(name) + ":", kJsonColumns.contains(name)});
  }
  return columns;
}

void append_value(std::string& text, const JsonColumn& column, const Value& value) {
  if (const auto* words = std::get_if<std::string>(&value)) {
    text += column.holds_json && ordered_json::accept(*words) ? *words : quoted(*words);
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    fmt::format_to(std::back_inserter(text), "{}", *number);
  } else if (const auto* real = std::get_if<double>(&value); real != nullptr && std::isfinite(*real)) {
    text += ordered_json(*real).dump();
  } else {
    text += "null";
  }
}

void append_row(std::string& text, const std::vector<JsonColumn>& columns, const std::vector<Value>& row) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    text += columns[i].head;
    append_value(text, columns[i], row[i]);
  }
  text += columns.empty() ? "{}" : "}";
}

// Reads page after page; each is a query of its own, so that nothing is held open while a client reads slowly.
class Pages {
 public:
  Pages(Database& database, PageCache& cache, PagedQuery query)
      : database_(database), cache_(cache), query_(std::move(query)) {}

  std::optional<std::string> next() {
    if (done_) {
      return std::nullopt;
    }
    query_.page_rows = std::min(kPageRows, query_.limit.value_or(kPageRows));
    const std::shared_ptr<const Page> page = cache_.get(database_, query_);
    std::string piece = page->rows.empty() || first_ ? page->rows : "," + page->rows;
    first_ = false;
    step(*page);
    return done_ ? piece + "\n]\n" : piece;
  }

 private:
  void step(const Page& page) {
    if (query_.limit) {
      *query_.limit -= page.count;
    }
    done_ = page.count < query_.page_rows || query_.limit == 0;
    query_.after = page.last.value_or(query_.after);
  }

  Database& database_;
  PageCache& cache_;
  PagedQuery query_;
  bool first_ = true;
  bool done_ = false;
};

Page read_page(Database& database, const PagedQuery& asked) {
  std::vector<Value> parameters = {asked.after, asked.page_rows};
  parameters.insert(parameters.end(), asked.parameters.begin(), asked.parameters.end());
  Page page;
  std::vector<JsonColumn> columns;
  std::size_t key = 0;
  query_rows(
      database, asked.sql, parameters,
      [&](const std::vector<std::string>& names) {
        columns = json_columns(names);
        key = static_cast<std::size_t>(std::ranges::find(names, asked.key) - names.begin());
      },
      [&](const std::vector<Value>& row) {
        page.rows += page.rows.empty() ? "\n" : ",\n";
        append_row(page.rows, columns, row);
        page.last = std::get<std::int64_t>(row.at(key));
        ++page.count;
      });
  return page;
}

}  // namespace

std::string row_to_json(const std::vector<std::string>& columns, const std::vector<Value>& row) {
  std::string text;
  append_row(text, json_columns(columns), row);
  return text;
}

// The version is read first: a page may be newer than it says, and is then read again, but never older.
std::shared_ptr<const Page> PageCache::get(Database& database, const PagedQuery& asked) {
  const DataVersion version = data_version(database);
  if (version != version_) {
    pages_.clear();
    bytes_ = 0;
    version_ = version;
  }
  const Key key{asked.sql, asked.parameters, asked.after, asked.page_rows};
  if (const auto found = pages_.find(key); found != pages_.end()) {
    return found->second;
  }
  const auto page = std::make_shared<const Page>(read_page(database, asked));
  if (bytes_ + page->rows.size() <= kMostCachedBytes) {
    bytes_ += page->rows.size();
    pages_.emplace(key, page);
  }
  return page;
}

std::optional<std::string> one_row(Database& database, const std::string& sql, const std::vector<Value>& parameters) {
  const ResultTable found = query(database, sql, parameters);
  return found.rows.empty() ? std::nullopt : std::optional(row_to_json(found.columns, found.rows.front()));
}

HttpResponse paged_list(Database& database, PageCache& cache, PagedQuery query) {
  const auto pages = std::make_shared<Pages>(database, cache, std::move(query));
  // The first page is read at once, so that what is wrong with the database becomes an error and not half an answer.
  std::string first = "[" + pages->next().value_or("");
  return {.status = 200, .body = std::move(first), .next_piece = [pages] { return pages->next(); }};
}

}  // namespace memtrack
