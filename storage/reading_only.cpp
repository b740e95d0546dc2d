#include "storage/reading_only.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace memtrack {
namespace {

using namespace std::string_view_literals;

// PRAGMAs that tell something; with an argument, of the table or index of that name.
constexpr std::array kAskByName = {"table_info"sv,      "table_xinfo"sv,      "table_list"sv,  "index_list"sv,
                                   "index_info"sv,      "index_xinfo"sv,      "quick_check"sv, "foreign_key_list"sv,
                                   "integrity_check"sv, "foreign_key_check"sv};
// Those that tell without an argument, and change something with one.
constexpr std::array kAskAlone = {"application_id"sv, "collation_list"sv, "compile_options"sv, "database_list"sv,
                                  "data_version"sv,   "encoding"sv,       "foreign_keys"sv,    "freelist_count"sv,
                                  "function_list"sv,  "page_count"sv,     "page_size"sv,       "schema_version"sv,
                                  "synchronous"sv,    "user_version"sv};

bool tells_only(std::string_view pragma, bool has_argument) {
  const auto is_in = [&](const auto& names) { return std::find(names.begin(), names.end(), pragma) != names.end(); };
  return is_in(kAskByName) || (!has_argument && is_in(kAskAlone));
}

int decide(void* /*unused*/, int action, const char* first, const char* second, const char* /*database*/,
           const char* /*view*/) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
    case SQLITE_TRANSACTION:
      return SQLITE_OK;
    case SQLITE_UPDATE:  // asked of the schema table where json_each() and its like declare their columns in memory
      return first == "sqlite_master"sv ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:  // second: its name
      return second != nullptr && second == "load_extension"sv ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:  // second: its argument
      return tells_only(first, second != nullptr) ? SQLITE_OK : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

}  // namespace

void allow_reading_only(sqlite3* handle) {
  sqlite3_set_authorizer(handle, decide, nullptr);
}

}  // namespace memtrack
