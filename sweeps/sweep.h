#pragma once

// A sweep file, checked: what to run, in which order, under which settings. How the file reads: docs/sweeps.md.
//
//   ExpansionContext context{.environment = submitter's, .trainer = "/usr/libexec/memtrack/memtrack-trainer"};
//   for (const Sweep& sweep : parse_sweep_file(text, "quickstart.yaml", overrides)) {
//     for_each_trial(sweep, context, [&](const TrialPlan& trial) { insert(trial); });
//   }
//
// Everything here is a function of its arguments: no files, no clock, no globals. Expansion is deterministic in
// (text, overrides, seed).

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sweeps/share.h"

namespace memtrack {

// what() is one sentence: "quickstart.yaml:7:18: epochs is 'two', and would have to be a whole number such as 2".
class SweepError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What the command line changes. Each value is checked like one in the file; errors name the flag instead of a line.
struct Overrides {
  std::vector<std::pair<std::string, std::string>> set = {};  // parameter, value as YAML text: fixes it for all trials
  std::optional<std::string> interval = {};                   // "100ms"
  std::optional<std::string> timeout = {};                    // "2h"
  std::optional<std::int64_t> repeats = {};
  std::optional<std::string> order = {};  // listed | shuffled
  std::optional<std::uint64_t> seed = {};
  std::optional<std::int64_t> jobs = {};
  std::optional<std::int64_t> retries = {};
  std::optional<std::int64_t> priority = {};
  std::optional<std::string> method = {};
  std::optional<std::int64_t> count = {};  // bounds the number of drawn trials (before repeats)
};

// Of one sweep, repeats included.
constexpr std::int64_t kMostTrials = 1'000'000;

enum class TrialOrder { listed, shuffled };

struct SweepSettings {
  std::chrono::nanoseconds interval = std::chrono::seconds(5);  // sampling period, 1 ms to 24 h
  std::optional<std::chrono::nanoseconds> timeout;              // per trial
  std::optional<std::int64_t> memory_limit_bytes = {};          // per trial, by its cgroup; swap is forbidden too
  std::chrono::nanoseconds settle{};    // waited before a trial, until the last one's memory is given back
  std::chrono::nanoseconds baseline{};  // the idle system is sampled this long, before and after a trial
  std::int64_t warmup = 0;              // unscored trials before all others: page cache, libraries
  std::int64_t repeats = 1;
  TrialOrder order = TrialOrder::listed;
  std::uint64_t seed = 0;     // of drawing, shuffling and the built-in trainer's own seeds
  std::int64_t jobs = 1;      // trials at a time
  std::int64_t retries = 0;   // so many more attempts at a trial that failed or was lost
  std::int64_t priority = 0;  // sweeps of a higher one go first
};

struct SweepDefinition;  // the checked parameters, method and command; private to sweeps/

struct Sweep {
  std::string name;
  std::string method;            // as asked: grid, random, list, bayes
  std::string effective_method;  // as done: grid, random, list
  std::string config;            // the YAML of this document as sent
  SweepSettings settings;
  std::int64_t trial_count = 0;  // rows that for_each_trial will make, repeats and warm-ups included
  bool is_open_ended = false;    // drawn until it is cancelled: for_each_drawn_trial makes its rows
  bool built_in_trainer = true;  // false: the sweep names a program or command of the user's
  // The words of that command before macros are expanded, but for the program's name: the same in all sweeps of one
  // program, whatever their parameters.
  std::vector<std::string> program_words = {};
  std::vector<std::string> warnings;  // said once: keys without effect, unknown top-level keys
  std::shared_ptr<const SweepDefinition> definition;
};

// The hyperparameters that have a column of their own; left out where a trial has none of that name.
struct TypedColumns {
  std::optional<std::string> dataset;
  std::optional<double> learning_rate;
  std::optional<std::int64_t> epochs;
  std::optional<std::int64_t> batch_size;
  std::optional<std::vector<std::int64_t>> hidden_layers;  // depth and hidden_nodes follow from it
  std::optional<std::int64_t> parameter_count;             // weights and biases; known for the built-in trainer only
  std::optional<double> reported_memory_mib;               // a published figure, MiB
};

struct TrialPlan {
  std::int64_t number = 0;      // 1-based place in the file's own order; the repeats of a trial share it
  std::int64_t repeat = 0;      // 1-based
  bool is_warmup = false;       // unscored: the first trials once more, before all others
  std::string parameters_json;  // one JSON object, as drawn, in the file's order; nested as in the file
  // argv with every macro expanded but ${envvar:NAME} and ${args_json_file}, which would put secrets or files of their
  // own into the database: the collector expands those (sweeps/command.h).
  std::vector<std::string> command;
  TypedColumns columns;
};

struct ExpansionContext {
  std::map<std::string, std::string> environment;  // the submitter's: PATH decides ${interpreter}
  std::string trainer;                             // path of memtrack-trainer
  std::optional<Share> share = {};                 // none: all trials
};

// One Sweep a YAML document. `file_name` is used in messages only. Throws SweepError.
std::vector<Sweep> parse_sweep_file(std::string_view text, const std::string& file_name, const Overrides& overrides);

// Calls `take` for each trial in the order in which they are to run: warm-ups, then block after block of repeats, each
// block in its own order. Of a share every count-th of these, and all warm-ups: each machine has to warm up. Memory
// does not grow with the number of trials beyond 8 bytes each. Nothing of an open-ended sweep. Throws SweepError.
void for_each_trial(const Sweep& sweep, const ExpansionContext& context,
                    const std::function<void(const TrialPlan&)>& take);

// The trials `first_number`, ... of an open-ended sweep, `count` of them, in the order of their numbers; before trial 1
// the warm-ups. Trial N is what it would be in a sweep with a run_cap. Throws SweepError, also where a share is asked
// for.
void for_each_drawn_trial(const Sweep& sweep, const ExpansionContext& context, std::int64_t first_number,
                          std::int64_t count, const std::function<void(const TrialPlan&)>& take);

// "100ms", "5s", "2h", "1.5m", "250us" -> nanoseconds. Throws std::invalid_argument saying what would be right.
std::chrono::nanoseconds parse_duration(std::string_view text);

// 100 ms -> "100ms", 5 s -> "5s", 90 min -> "90m": the shortest form that parses back to the same.
std::string format_duration(std::chrono::nanoseconds duration);

// "8GiB", "512MiB", "2GB", "1.5GiB" -> bytes. Throws std::invalid_argument saying what would be right.
std::int64_t parse_size(std::string_view text);

// 8 << 30 -> "8GiB": the shortest form that parses back to the same.
std::string format_size(std::int64_t bytes);

// The least that a trial's memory may be limited to: below, not even an empty program would start.
constexpr std::int64_t kLeastMemoryLimit = std::int64_t{1} << 20;

}  // namespace memtrack
