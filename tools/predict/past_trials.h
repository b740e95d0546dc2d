#pragma once

// What the database knows: trainings of the built-in trainer with their measured peaks.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "sweeps/trainer_parameters.h"
#include "tools/predict/resident_memory.h"

namespace memtrack {

// SQL of trial t with its totals p: the largest resident memory that is known of it. Where the kernel did not tell that
// of the whole tree, the largest sample and the largest process bound it from below. What wait4(2) says of the latter
// begins at the collector's own memory, some 6 MiB: it counts from 16 MiB on.
inline constexpr const char* kKnownPeakBytes =
    "max(p.peak_rss_bytes, iif(t.max_rss_bytes > 16777216, t.max_rss_bytes, 0))";

// As the collector writes it into `hosts`.
std::string host_name();

// From a trial's parameters, one JSON object. Names that the trainer does not know are left out: sweep files are
// checked when they are read.
TrainerOptions trainer_options_of(const std::string& parameters_json);

// The latest trials of this machine (by its name) that are done and whose peak the kernel told, at most `most`.
std::vector<MeasuredPeak> past_peaks(Database& database, const std::string& host_name, std::int64_t most);

// Built in, and sharpened by what the database at `path` holds of this machine; it need not exist.
Calibration calibration_of_this_machine(const std::filesystem::path& path);

struct PastTrial {
  std::int64_t number = 0;
  std::string parameters;
  std::optional<double> peak_mib = {};  // the mean over its repeats
  bool is_built_in = false;             // of memtrack-trainer
};
// A sweep's trials, one a number, by number.
std::vector<PastTrial> past_trials_of(Database& database, std::int64_t sweep_id);

}  // namespace memtrack
