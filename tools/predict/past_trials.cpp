#include "tools/predict/past_trials.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "storage/query.h"
#include "tools/values.h"

namespace memtrack {
namespace {

using nlohmann::json;

// Not every trial whose command is the trainer: 'memtrack run' stores no parameters.
constexpr const char* kIsBuiltIn = "t.parameter_count IS NOT NULL";

bool is_known(const std::string& name) {
  const auto known = trainer_parameters();
  return std::any_of(known.begin(), known.end(), [&](const TrainerParameter& each) { return each.name == name; });
}

}  // namespace

std::string host_name() {
  utsname names{};
  return uname(&names) == 0 ? names.nodename : "";
}

TrainerOptions trainer_options_of(const std::string& parameters_json) {
  TrainerOptions options;
  const json parameters = json::parse(parameters_json);
  for (const auto& [name, value] : parameters.items()) {
    if (!is_known(name)) continue;
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    set_trainer_option(options, name, value.is_boolean() ? (value.get<bool>() ? "True" : "False") : text);
  }
  return options;
}

std::vector<MeasuredPeak> past_peaks(Database& database, const std::string& host_name, std::int64_t most) {
  std::vector<MeasuredPeak> peaks;
  query_rows(
      database,
      std::string("SELECT t.parameters, p.peak_rss_bytes FROM trials t JOIN hosts h ON h.host_id = t.host_id "
                  "JOIN trial_totals p ON p.trial_id = t.trial_id WHERE t.state = 'done' AND h.name = ?1 "
                  "AND p.peak_source = 'kernel' AND p.peak_rss_bytes IS NOT NULL AND ") +
          kIsBuiltIn + " ORDER BY t.trial_id DESC LIMIT ?2",
      {host_name, most}, [](const std::vector<std::string>&) {},
      [&](const std::vector<Value>& row) {
        const TrainerOptions options = trainer_options_of(text_of(row.at(0)).value());
        peaks.push_back({predict_tensors(options, describe_dataset(options.dataset)),
                         static_cast<double>(whole_of(row.at(1)).value()) / (1024.0 * 1024.0)});
      });
  return peaks;
}

Calibration calibration_of_this_machine(const std::filesystem::path& path) {
  constexpr std::int64_t kMostTrials = 1000;
  const Calibration built_in = Calibration::built_in();
  if (!std::filesystem::exists(path)) return built_in;
  Database database = Database::open_for_reading(path);
  return built_in.with(past_peaks(database, host_name(), kMostTrials));
}

std::vector<PastTrial> past_trials_of(Database& database, std::int64_t sweep_id) {
  std::vector<PastTrial> trials;
  query_rows(
      database,
      fmt::format("SELECT t.number, min(t.parameters), avg({0}) FILTER (WHERE t.state = 'done' AND (p.peak_source = "
                  "'kernel' OR NOT {1})) / 1048576.0, min({1}) FROM trials t LEFT JOIN trial_totals p ON p.trial_id = "
                  "t.trial_id WHERE t.sweep_id = ?1 AND NOT t.warmup GROUP BY t.number ORDER BY t.number",
                  kKnownPeakBytes, kIsBuiltIn),
      {sweep_id}, [](const std::vector<std::string>&) {},
      [&](const std::vector<Value>& row) {
        trials.push_back({whole_of(row.at(0)).value(), text_of(row.at(1)).value(), real_of(row.at(2)),
                          whole_of(row.at(3)).value_or(0) != 0});
      });
  return trials;
}

}  // namespace memtrack
