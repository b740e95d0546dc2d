#pragma once

// Rows of the database as JSON: one object a row, members named and ordered as the columns, text that holds JSON
// (parameters, settings, command, hidden_layers, overrides) as what it says.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/router.h"
#include "storage/query.h"

namespace memtrack {

std::string row_to_json(const std::vector<std::string>& columns, const std::vector<Value>& row);

// The first row as one object; nullopt: there is none.
std::optional<std::string> one_row(Database& database, const std::string& sql, const std::vector<Value>& parameters);

// A list that is read a page at a time. `sql` orders by its column `key`, which is unique, takes rows above ?1 only,
// and at most ?2 of them; `parameters` follow as ?3, ...
struct PagedQuery {
  std::string sql;
  std::string key;
  std::vector<Value> parameters = {};
  std::int64_t after = -1;
  std::optional<std::int64_t> limit = {};  // of rows in all
  std::int64_t page_rows = 0;              // of this page; set by paged_list()
};

// Some rows of a list, each with a line break before it, and commas between them.
struct Page {
  std::string rows = {};
  std::int64_t count = 0;
  std::optional<std::int64_t> last = {};  // the key of the last row
};

// Pages as they were last read, until anybody writes to the database: whoever shows progress asks for the same again
// and again. Keeps a few MiB at most.
class PageCache {
 public:
  std::shared_ptr<const Page> get(Database& database, const PagedQuery& asked);

 private:
  using Key = std::tuple<std::string, std::vector<Value>, std::int64_t, std::int64_t>;

  std::map<Key, std::shared_ptr<const Page>> pages_;
  std::size_t bytes_ = 0;
  DataVersion version_;
};

// `cache` outlives the response.
HttpResponse paged_list(Database& database, PageCache& cache, PagedQuery query);

}  // namespace memtrack
