#pragma once

// Queries that run until somebody has enough of them.

#include <functional>
#include <string>

#include "storage/database.h"

namespace memtrack {

// A query was ended by a QueryStop; nothing is wrong.
class QueryEnded : public StorageError {
 public:
  QueryEnded() : StorageError("the query was stopped", true) {}
};

// As long as it lives, `ends` is asked every few milliseconds of a running query; true ends that with QueryEnded.
class QueryStop {
 public:
  QueryStop(Database& database, std::function<bool()> ends);  // which must not throw
  ~QueryStop();
  QueryStop(const QueryStop&) = delete;
  QueryStop& operator=(const QueryStop&) = delete;

 private:
  Database& database_;
  std::function<bool()> ends_;
};

// True where `sql` ends with a ';' that is in no string, comment or trigger: it may be run.
bool is_complete_statement(const std::string& sql);

}  // namespace memtrack
