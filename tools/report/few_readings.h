#pragma once

#include <cstdint>

#include "tools/report/rows.h"

namespace memtrack {

// An average over fewer is marked.
inline constexpr std::int64_t kFewReadings = 10;

inline bool has_few_readings(const ReportRow& row) {
  return row.memory_bytes && !row.memory_source && row.memory_count < kFewReadings;
}

}  // namespace memtrack
