#include "sweeps/sweep.h"

#include <algorithm>
#include <array>
#include <limits>

#include "sweeps/checks.h"
#include "sweeps/columns.h"
#include "sweeps/definition.h"
#include "sweeps/macros.h"
#include "sweeps/nearest_name.h"
#include "sweeps/trainer_check.h"

namespace memtrack {
namespace {

constexpr std::int64_t kLookedAtWhenOpen = 1000;

// The keys that say what is run, W&B's and ours.
constexpr std::array<std::string_view, 8> kKeys = {"name",    "method",  "parameters", "program",
                                                   "command", "run_cap", "trials",     "memtrack"};
constexpr std::array<std::string_view, 3> kSilentKeys = {"description", "apiVersion", "kind"};
// W&B's keys that change nothing here.
constexpr std::array<std::string_view, 9> kKeysWithoutEffect = {
    "project", "entity", "metric", "metrics", "early_terminate", "controller", "scheduler", "job", "image_uri"};
constexpr std::array<std::string_view, 4> kMethods = {"grid", "random", "list", "bayes"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Reads one document, key by key, into a Sweep and its definition.
class Reader {
 public:
  Reader(const ConfigDocument& document, const Overrides& overrides) : root_(document.root), overrides_(overrides) {
    sweep_.config = document.text;
  }

  Sweep read(const std::string& default_name) {
    if (root_.map() == nullptr) {
      fail(root_.mark, "the sweep is " + shown(root_) + ", and would have to be a map with method and parameters");
    }
    check_keys();
    const ConfigNode* name = root_.find("name");
    sweep_.name = name == nullptr ? default_name : read_name(*name);
    read_method();
    read_command();
    read_settings();
    read_parameters();
    apply_fixed();
    check_columns();
    count_trials();
    check_open_ranges();
    sweep_.definition = std::make_shared<const SweepDefinition>(std::move(definition_));
    return std::move(sweep_);
  }

 private:
  // A key near one that says what is run would run something else than was meant; any other unknown key only warns.
  void check_keys() {
    std::string without_effect;
    for (const ConfigMember& member : *root_.map()) {
      if (contains(kKeys, member.name) || contains(kSilentKeys, member.name)) {
        continue;
      }
      if (contains(kKeysWithoutEffect, member.name)) {
        without_effect += (without_effect.empty() ? "" : ", ") + member.name;
        continue;
      }
      if (!nearest_name(member.name, kKeys).empty()) {
        fail(member.mark, "a sweep has no " + quoted(member.name) + did_you_mean(member.name, kKeys));
      }
      sweep_.warnings.push_back(to_string(member.mark) + ": the key " + quoted(member.name) + " is not known");
    }
    if (!without_effect.empty()) {
      sweep_.warnings.push_back(without_effect + (without_effect.find(',') == std::string::npos ? " has" : " have") +
                                " no effect here");
    }
  }

  static std::string read_name(const ConfigNode& node) {
    if (node.list() != nullptr || node.map() != nullptr || std::holds_alternative<std::monostate>(node.data)) {
      refuse("name", node, "a text such as quickstart");
    }
    std::string name = python_str(to_value(node));
    if (name.empty() || name.size() > 200 || name.find('\n') != std::string::npos) {
      refuse("name", node, "one line of 1 to 200 bytes");
    }
    return name;
  }

  void read_method() {
    const ConfigNode flag = flag_node("--method", overrides_.method.value_or(""));
    const ConfigNode* node = overrides_.method ? &flag : root_.find("method");
    if (node == nullptr) {
      fail(root_.mark, "the sweep has no method, and would have to have one of " + join_names(kMethods));
    }
    const std::string* word = node->text();
    if (word == nullptr || !contains(kMethods, *word)) {
      refuse("method", *node,
             "one of " + join_names(kMethods) + (word == nullptr ? "" : did_you_mean(*word, kMethods)));
    }
    sweep_.method = *word;
    sweep_.effective_method = *word == "bayes" ? "random" : *word;
    method_mark_ = node->mark;
    if (*word == "bayes") {
      sweep_.warnings.emplace_back("method bayes is drawn as random: memtrack measures, it does not search");
    }
  }

  void read_command() {
    const ConfigNode* program = root_.find("program");
    const ConfigNode* command = root_.find("command");
    if (program != nullptr) {
      definition_.program = text("program", *program, "train.py");
      definition_.command = default_command();
    }
    if (command != nullptr) {
      definition_.command = parse_command(*command, program != nullptr, sweep_.warnings);
    }
    sweep_.built_in_trainer = definition_.command.empty();
    sweep_.program_words = definition_.command;
    std::replace(sweep_.program_words.begin(), sweep_.program_words.end(), std::string("${program}"),
                 definition_.program);
    for (const char* key : {"job", "image_uri"}) {
      const ConfigNode* launch = root_.find(key);
      if (sweep_.built_in_trainer && launch != nullptr) {
        fail(launch->mark,
             std::string(key) + " is for W&B Launch, which memtrack does not run; name a program or a command");
      }
    }
  }

  void read_settings() {
    ParsedSettings parsed = parse_settings(root_.find("memtrack"), overrides_);
    if (!parsed.order_given) {
      parsed.settings.order = sweep_.effective_method == "list" ? TrialOrder::listed : TrialOrder::shuffled;
    }
    sweep_.settings = parsed.settings;
    definition_.columns = std::move(parsed.columns);
  }

  void read_parameters() {
    const bool list = sweep_.effective_method == "list";
    const ConfigNode* parameters = root_.find("parameters");
    const ConfigNode* trials = root_.find("trials");
    if (parameters != nullptr) {
      definition_.parameters = parse_parameters(*parameters);
      check_members(*parameters, check_trainer_parameter);
    } else if (!list) {
      fail(root_.mark,
           "the sweep has no parameters, and would have to have some such as parameters: {epochs: {value: 2}}");
    }
    if (list && trials == nullptr) {
      fail(method_mark_, "method list has no trials, and would have to have them such as trials: [{epochs: 2}]");
    }
    if (!list && trials != nullptr) {
      sweep_.warnings.push_back("trials has no effect with method " + sweep_.method);
    }
    if (list) {
      definition_.rows = parse_rows(*trials);
      for (const ConfigNode& row : *trials->list()) {
        check_members(row, check_trainer_value);
      }
    }
  }

  template <typename Check>
  void check_members(const ConfigNode& node, Check check) const {
    for (const ConfigMember& member : *node.map()) {
      if (sweep_.built_in_trainer) {
        check(member);
      }
      if (member.name == kReportedMemory) {
        const ConfigNode* value = member.node.find("value");
        check_reported_memory(value == nullptr ? member.node : *value);
      }
    }
  }

  // --set: one value for all trials, those of a list included.
  void apply_fixed() {
    for (const auto& [name, value] : overrides_.set) {
      const std::string flag = std::string("--set ").append(name).append("=").append(value);
      const ConfigNode node = parse_flag_value(value, flag);
      if (sweep_.built_in_trainer) {
        check_trainer_value({name, node.mark, node});
      }
      if (name == kReportedMemory) {
        check_reported_memory(node);
      }
      fix_parameter(definition_.parameters, name, node);
      for (Row& row : definition_.rows) {
        remove_from_row(row, name);
      }
    }
    if (sweep_.effective_method == "list") {
      check_constant(definition_.parameters);
    }
  }

  // A column's parameter has to be one of the sweep's; where it is not, but one of the column's own name is, the choice
  // has no effect, which is said.
  void check_columns() {
    const ValueDict values = drawn_values(definition_.parameters, 0, 0);
    const auto is_parameter = [&](const std::string& name) {
      return find_value(values, name) != nullptr ||
             std::any_of(definition_.rows.begin(), definition_.rows.end(),
                         [&](const Row& row) { return find_value(row.values, name) != nullptr; });
    };
    for (const ColumnChoice& choice : definition_.columns) {
      if (is_parameter(choice.parameter)) {
        continue;
      }
      if (is_parameter(choice.column)) {
        sweep_.warnings.push_back("columns." + choice.column + " names " + quoted(choice.parameter) +
                                  ", which this sweep does not have; its " + quoted(choice.column) +
                                  " fills the column");
        continue;
      }
      std::vector<std::string_view> names;
      for (const auto& [name, value] : values) {
        names.push_back(name);
      }
      fail(choice.mark, "columns." + choice.column + " is " + quoted(choice.parameter) +
                            ", and would have to be a parameter of this sweep" + did_you_mean(choice.parameter, names));
    }
  }

  // The smaller of run_cap and --count.
  std::optional<std::int64_t> cap() const {
    std::optional<std::int64_t> result;
    if (const ConfigNode* node = root_.find("run_cap")) {
      result = whole_number("run_cap", *node, 1, std::numeric_limits<std::int64_t>::max(), "20");
    }
    if (overrides_.count) {
      const std::int64_t count = whole_number("count", flag_node("--count", *overrides_.count), 1,
                                              std::numeric_limits<std::int64_t>::max(), "20");
      result = std::min(result.value_or(count), count);
    }
    return result;
  }

  void count_trials() {
    const std::optional<std::int64_t> most = cap();
    std::int64_t count = 0;
    if (sweep_.effective_method == "grid") {
      count = count_grid(definition_.parameters, std::numeric_limits<std::int64_t>::max() - 1);
    } else if (sweep_.effective_method == "list") {
      count = static_cast<std::int64_t>(definition_.rows.size());
    } else if (most) {
      count = *most;
    } else {
      leave_open();
      return;
    }
    count = std::min(count, most.value_or(count));
    const std::int64_t repeats = sweep_.settings.repeats;
    if (count > kMostTrials / repeats) {
      fail(method_mark_, "the sweep has " + std::to_string(count) + " trials" +
                             (repeats > 1 ? " in each of " + std::to_string(repeats) + " repeats" : "") +
                             ", and may have " + std::to_string(kMostTrials) +
                             " in all; give fewer values, run_cap or --count");
    }
    definition_.count = count;
    sweep_.trial_count = count * sweep_.settings.repeats + sweep_.settings.warmup;
  }

  // Drawn until it is cancelled. There is no block that ends, to be shuffled or repeated.
  void leave_open() {
    if (sweep_.settings.repeats > 1) {
      fail(method_mark_, "repeats is " + std::to_string(sweep_.settings.repeats) + ", but method " + sweep_.method +
                             " without run_cap is drawn until it is cancelled and never comes to a second block; give "
                             "run_cap: 20 or --count 20");
    }
    sweep_.is_open_ended = true;
    sweep_.settings.order = TrialOrder::listed;
  }

  // What a normal distribution draws is bounded by nothing: each value is looked at before anything runs; of an
  // open-ended sweep the first ones.
  void check_open_ranges() const {
    if (!sweep_.built_in_trainer || sweep_.effective_method != "random") {
      return;
    }
    const Parameters open = open_ranges(definition_.parameters);
    const std::int64_t count = sweep_.is_open_ended ? kLookedAtWhenOpen : definition_.count;
    for (std::int64_t i = 0; i < count && !open.empty(); ++i) {
      check_trainer_values(drawn_values(open, sweep_.settings.seed, i), open);
    }
  }

  const ConfigNode& root_;
  const Overrides& overrides_;
  Sweep sweep_;
  SweepDefinition definition_;
  Mark method_mark_;
};

// "sweeps/quickstart.yaml" -> "quickstart"
std::string stem(const std::string& file_name) {
  const std::size_t slash = file_name.rfind('/');
  std::string name = slash == std::string::npos ? file_name : file_name.substr(slash + 1);
  const std::size_t dot = name.rfind('.');
  if (dot != std::string::npos && dot > 0) {
    name.erase(dot);
  }
  return name.empty() ? "sweep" : name;
}

}  // namespace

std::vector<Sweep> parse_sweep_file(std::string_view text, const std::string& file_name, const Overrides& overrides) {
  std::vector<Sweep> sweeps;
  for (const ConfigDocument& document : parse_documents(text, file_name)) {
    const std::string number = sweeps.empty() ? "" : "-" + std::to_string(sweeps.size() + 1);
    sweeps.push_back(Reader(document, overrides).read(stem(file_name) + number));
  }
  if (sweeps.empty()) {
    throw SweepError(file_name + ":1:1: the file is empty, and would have to hold a map with method and parameters");
  }
  return sweeps;
}

}  // namespace memtrack
