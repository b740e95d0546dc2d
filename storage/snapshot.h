#pragma once

#include "storage/database.h"

namespace memtrack {

// While it lives, all that is read through `database` is of one state, whatever others commit. Writers do not wait for
// it, but the log of what is not merged yet grows: not to be held for longer than the reading takes.
class Snapshot {
 public:
  explicit Snapshot(Database& database);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  Database& database_;
};

}  // namespace memtrack
