#pragma once

// Rows of the database as JSON: one object a row, members named and ordered as the columns, text that holds JSON
// (parameters, settings, command, hidden_layers, overrides) as what it says.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/router.h"
#include "storage/query.h"

namespace memtrack {

std::string row_to_json(const std::vector<std::string>& columns, const std::vector<Value>& row);

// The first row as one object; nullopt: there is none.
std::optional<std::string> one_row(Database& database, const std::string& sql, const std::vector<Value>& parameters);

// A list that is read a page at a time. `sql` orders by its first column, which is unique, takes rows above ?1 only,
// and at most ?2 of them; `parameters` follow as ?3, ...
struct PagedQuery {
  std::string sql;
  std::vector<Value> parameters = {};
  std::int64_t after = -1;
  std::optional<std::int64_t> limit = {};  // of rows in all
};
HttpResponse paged_list(Database& database, PagedQuery query);

}  // namespace memtrack
