#include "tools/predict/program_history.h"

#include <fmt/format.h>

#include "storage/query.h"
#include "sweeps/sweep.h"
#include "tools/parameter_leaves.h"
#include "tools/predict/past_trials.h"
#include "tools/values.h"

namespace memtrack {
namespace {

constexpr std::int64_t kMostSweeps = 1000, kMostRuns = 1000;

// Empty: the built-in trainer, or a file that this version does not read.
std::vector<std::string> words_of(const std::string& config) {
  try {
    return parse_sweep_file(config, "stored", {}).at(0).program_words;
  } catch (const SweepError&) {
    return {};
  }
}

// The latest first.
std::vector<std::int64_t> sweeps_of(Database& database, const ProgramIdentity& program) {
  std::vector<std::int64_t> sweeps;
  query_rows(
      database,
      "SELECT s.sweep_id, s.config FROM sweeps s WHERE s.method <> 'run' AND EXISTS (SELECT 1 FROM trials t WHERE "
      "t.sweep_id = s.sweep_id AND t.cwd = ?1) ORDER BY s.sweep_id DESC LIMIT ?2",
      {program.folder, kMostSweeps}, [](const std::vector<std::string>&) {},
      [&](const std::vector<Value>& row) {
        if (words_of(text_of(row.at(1)).value()) == program.words) sweeps.push_back(whole_of(row.at(0)).value());
      });
  return sweeps;
}

void add_runs(Database& database, std::int64_t sweep_id, const std::vector<std::string>& names,
              std::vector<PastRun>& runs) {
  query_rows(
      database,
      fmt::format(
          "SELECT t.parameters, {}, p.peak_source = 'kernel' FROM trials t JOIN hosts h ON h.host_id = t.host_id "
          "JOIN trial_totals p ON p.trial_id = t.trial_id WHERE t.sweep_id = ?1 AND t.state = 'done' AND h.name = "
          "?2 AND p.peak_rss_bytes IS NOT NULL ORDER BY t.trial_id DESC LIMIT ?3",
          kKnownPeakBytes),
      {sweep_id, host_name(), kMostRuns - static_cast<std::int64_t>(runs.size())},
      [](const std::vector<std::string>&) {},
      [&](const std::vector<Value>& row) {
        const ParameterValues all = parameter_values(text_of(row.at(0)).value());
        PastRun run{.parameters = {},
                    .peak_mib = real_of(row.at(1)).value() / (1024.0 * 1024.0),
                    .is_sampled = whole_of(row.at(2)) != 1};
        for (const std::string& name : names) {
          const auto found = all.find(name);
          if (found == all.end()) return;
          run.parameters.insert(*found);
        }
        runs.push_back(std::move(run));
      });
}

}  // namespace

ProgramIdentity program_of_sweep(Database& database, std::int64_t sweep_id) {
  const ResultTable sweep =
      query(database,
            "SELECT s.config, (SELECT cwd FROM trials t WHERE t.sweep_id = s.sweep_id LIMIT 1) FROM sweeps s WHERE "
            "s.sweep_id = ?1",
            {sweep_id});
  return {words_of(text_of(sweep.rows.at(0).at(0)).value()), text_of(sweep.rows.at(0).at(1)).value_or("")};
}

ParameterValues parameter_values(const std::string& parameters_json) {
  ParameterValues values;
  for (ParameterLeaf& leaf : parameter_leaves(parameters_json)) {
    if (leaf.name != "seed") values.emplace(std::move(leaf.name), std::move(leaf.json));
  }
  return values;
}

std::vector<PastRun> past_runs_of(Database& database, const ProgramIdentity& program,
                                  const std::vector<std::string>& names) {
  std::vector<PastRun> runs;
  for (const std::int64_t sweep_id : sweeps_of(database, program)) {
    if (runs.size() == kMostRuns) break;
    add_runs(database, sweep_id, names, runs);
  }
  return runs;
}

}  // namespace memtrack
