#pragma once

// Which readings of processes become rows of the database: the first of each, those that are due, and the last.

#include <map>
#include <vector>

#include "collector/measured_process.h"
#include "storage/sample.h"

namespace memtrack {

class ProcessRows {
 public:
  // Of the processes that reading number `reading` found: of all of them, or of those alone that have none yet, under
  // their name and parent of now. With the rows that keep_last() kept.
  std::vector<ProcessReading> take(std::map<pid_t, MeasuredProcess>& processes, std::uint64_t reading, bool of_all);

  // The process is about to lose its figures, since it has ended: the last become a row, where they are none yet.
  void keep_last(MeasuredProcess& process);

 private:
  std::int64_t last_number_ = 0;
  std::vector<ProcessReading> kept_;
};

}  // namespace memtrack
