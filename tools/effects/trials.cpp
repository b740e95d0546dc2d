#include "tools/effects/trials.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/trim.hpp>
#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "storage/query.h"
#include "sweeps/nearest_name.h"
#include "sweeps/trainer_parameters.h"
#include "tools/exit_codes.h"
#include "tools/parameter_leaves.h"
#include "tools/text.h"
#include "tools/values.h"

namespace memtrack {
namespace {

using nlohmann::json;

constexpr std::array kMetrics = std::to_array<EffectMetric>({
    {"anon", "anonymous memory",
     "the mean of tree_rss_anon_bytes: anonymous resident memory of the trial's own processes",
     "SELECT avg_tree_rss_anon_bytes FROM phase_memory WHERE trial_id = t.trial_id AND phase = ?2",
     "SELECT avg_tree_rss_anon_bytes FROM trial_memory WHERE trial_id = t.trial_id"},
    {"pss", "proportional memory",
     "the mean of tree_pss_bytes: proportional resident memory of the trial's own processes",
     "SELECT avg_tree_pss_bytes FROM phase_memory WHERE trial_id = t.trial_id AND phase = ?2",
     "SELECT avg_tree_pss_bytes FROM trial_memory WHERE trial_id = t.trial_id"},
    {"tensor", "tensor memory", "the largest tensor_bytes_peak of the trial's epochs, as the trainer counts it", "",
     "SELECT max(tensor_bytes_peak) FROM epochs WHERE trial_id = t.trial_id"},
    {"used", "used memory", "the mean of used_bytes: the whole system's total - free - buffers - cached",
     "SELECT avg_used_bytes FROM phase_memory WHERE trial_id = t.trial_id AND phase = ?2",
     "SELECT avg_used_bytes FROM trial_memory WHERE trial_id = t.trial_id"},
    {"reported", "reported memory",
     "reported_memory_mib: the published figures, in the order in which they were published", "",
     "SELECT reported_memory_mib * 1048576.0"},
});

constexpr std::string_view kReported = "reported";

constexpr const char* kSelectTrials =
    "SELECT t.number, t.repeat, t.started_ns, t.dataset, t.learning_rate, t.epochs, t.batch_size, t.hidden_layers, "
    "t.depth, t.hidden_nodes, t.parameter_count, t.parameters, ({bytes}), "
    "(SELECT e.loss_state <> 'finite' FROM epochs e WHERE e.trial_id = t.trial_id ORDER BY e.epoch DESC LIMIT 1) "
    "FROM trials t WHERE t.sweep_id = ?1 AND {which} AND NOT t.warmup AND NOT EXISTS "
    "(SELECT 1 FROM trials r WHERE r.retry_of = t.trial_id) ORDER BY t.started_ns, t.trial_id";

MeasuredTrial read_trial(const std::vector<Value>& values) {
  std::size_t next = 0;
  const auto take = [&]() -> const Value& { return values.at(next++); };
  MeasuredTrial trial;
  trial.number = whole_of(take()).value();
  trial.repeat = whole_of(take()).value();
  trial.started_ns = whole_of(take()).value_or(0);
  trial.dataset = text_of(take());
  trial.learning_rate = real_of(take());
  trial.epochs = whole_of(take());
  trial.batch_size = whole_of(take());
  trial.hidden_layers = text_of(take());
  trial.depth = whole_of(take());
  trial.hidden_nodes = whole_of(take());
  trial.parameter_count = whole_of(take());
  trial.parameters = text_of(take()).value();
  trial.bytes = real_of(take());
  if (const std::optional<std::int64_t> diverged = whole_of(take())) trial.has_diverged = *diverged != 0;
  return trial;
}

std::int64_t count_unfinished(Database& database, std::int64_t sweep_id) {
  return whole_of(query(database,
                        "SELECT count(*) FROM trials WHERE sweep_id = ?1 AND NOT warmup AND state <> 'done' AND "
                        "NOT EXISTS (SELECT 1 FROM trials r WHERE r.retry_of = trials.trial_id)",
                        {sweep_id})
                      .rows.at(0)
                      .at(0))
      .value();
}

// What is resident beside tensors, in shares of them: holes in malloc's heap, and buffers of BLAS that grow with the
// matrices.
constexpr double kResidentBeside = 0.5;

// Bytes that a training in float32 holds for each weight: at least the weight, its gradient, and what the optimizer
// keeps; at most also the copies of the tensor in hand, if all weights were one tensor: two in a step of adam or adamw,
// else one, the new gradient in the backward pass.
std::optional<Interval> bytes_a_parameter(const std::string& optimizer) {
  const std::optional<std::int64_t> state = optimizer_state_numbers(optimizer);
  if (!state) return std::nullopt;
  const double kept = 4.0 * static_cast<double>(2 + *state);
  return Interval{kept, kept + (*state == 2 ? 8 : 4)};
}

json parameters_of(const MeasuredTrial& trial) {
  return json::parse(trial.parameters);
}

// nullopt: not a trial of the built-in trainer, which names its network.
std::optional<std::string> optimizer_of(const MeasuredTrial& trial) {
  const json parameters = parameters_of(trial);
  const auto found = parameters.find("optimizer");
  if (found == parameters.end()) return "adam";
  return found->is_string() ? std::optional(found->get<std::string>()) : std::nullopt;
}

// nullopt: the trial has none, or none that is finite.
using NumberOf = std::function<std::optional<double>(const MeasuredTrial&)>;

template <typename Number>
NumberOf member(std::optional<Number> MeasuredTrial::*field, double per = 1) {
  return [field, per](const MeasuredTrial& trial) {
    const auto& value = trial.*field;
    return value && std::isfinite(static_cast<double>(*value)) ? std::optional(static_cast<double>(*value) / per)
                                                               : std::nullopt;
  };
}

class QuestionBuilder {
 public:
  QuestionBuilder(const MeasuredSweep& sweep, const EffectMetric& metric) : metric_(metric) {
    for (const MeasuredTrial& trial : sweep.trials) {
      if (trial.bytes) trials_.push_back(trial);
    }
    explain_missing(sweep);
  }

  Question build(const std::vector<std::string>& only) {
    add_trials();
    add_network_terms();
    add_other_terms();
    keep_only(only);
    return std::move(question_);
  }

 private:
  void explain_missing(const MeasuredSweep& sweep) {
    const auto unread = static_cast<std::int64_t>(sweep.trials.size() - trials_.size());
    if (trials_.empty() && unread > 0) {
      throw NoEffects(
          fmt::format("none of the {} that are done has a reading of {} ({}): --metric names another figure, "
                      "a shorter --interval of the sweep gives more readings",
                      count_of(unread, "trial"), metric_.title, metric_.meaning));
    }
    if (trials_.empty()) {
      throw NoEffects(
          fmt::format("no trial of this sweep is done ({} failed, ended early or still to run): 'memtrack "
                      "report' says how each ended",
                      sweep.unfinished));
    }
    if (unread > 0) say_left_out("{} without a reading of it.", count_of(unread, "trial"));
    if (sweep.unfinished > 0) say_left_out("{} not done.", count_of(sweep.unfinished, "trial"));
    const auto diverged = std::count_if(trials_.begin(), trials_.end(),
                                        [](const MeasuredTrial& trial) { return trial.has_diverged.value_or(false); });
    if (metric_.name == kReported) return;
    if (diverged == static_cast<std::ptrdiff_t>(trials_.size())) {
      throw NoEffects(
          fmt::format("the loss of all {} diverged: such trainings are no ground to judge hyperparameters "
                      "by; smaller learning rates may mend them",
                      count_of(diverged, "trial")));
    }
    if (diverged > 0) {
      question_.left_out.push_back(
          fmt::format("{} diverged and are counted all the same: memory does not depend on the "
                      "loss.",
                      count_of(diverged, "trial")));
    }
  }

  template <typename... Arguments>
  void say_left_out(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    question_.left_out.push_back("Left out: " + fmt::format(text, std::forward<Arguments>(arguments)...));
  }

  // Published figures ran in the order of their table.
  void add_trials() {
    const bool is_reported = metric_.name == kReported;
    if (is_reported) {
      std::stable_sort(trials_.begin(), trials_.end(),
                       [](const auto& a, const auto& b) { return a.number < b.number; });
      const auto same = [](const auto& a, const auto& b) { return a.number == b.number; };
      trials_.erase(std::unique(trials_.begin(), trials_.end(), same), trials_.end());
    }
    for (const MeasuredTrial& trial : trials_) {
      question_.experiment.response.push_back(*trial.bytes / kMib);
      question_.experiment.network.push_back(trial.number);
      question_.experiment.block.push_back(is_reported ? 1 : trial.repeat);
      question_.experiment.order.push_back(static_cast<double>(question_.experiment.order.size() + 1));
    }
  }

  // A term takes all trials. Where only some have it, that it takes no part is said.
  bool all_have(const std::string& name, const std::function<bool(const MeasuredTrial&)>& has) {
    const auto without = std::count_if(trials_.begin(), trials_.end(), std::not_fn(has));
    const auto all = static_cast<std::ptrdiff_t>(trials_.size());
    if (without > 0 && without < all) {
      say_left_out("{}, which {} of {} do not have, or not above 0.", name, without, count_of(all, "trial"));
    }
    return without == 0;
  }

  void add_number(const std::string& name, const std::string& unit, const NumberOf& number, bool is_control = false,
                  std::optional<Interval> arithmetic = std::nullopt) {
    if (!all_have(name, [&](const MeasuredTrial& trial) { return number(trial).has_value(); })) return;
    Term term{.name = name, .unit = unit, .is_control = is_control, .arithmetic = arithmetic};
    for (const MeasuredTrial& trial : trials_) term.numbers.push_back(number(trial).value());
    question_.experiment.terms.push_back(std::move(term));
  }

  void add_factor(const std::string& name, const std::function<std::string(const MeasuredTrial&)>& level) {
    Term term{.name = name, .unit = ""};
    for (const MeasuredTrial& trial : trials_) term.levels.push_back(level(trial));
    question_.experiment.terms.push_back(std::move(term));
  }

  // Where two move together the earlier one is told: so what arithmetic explains stands first.
  void add_network_terms() {
    if (all_have("dataset", [](const MeasuredTrial& trial) { return trial.dataset.has_value(); })) {
      add_factor("dataset", [](const MeasuredTrial& trial) { return *trial.dataset; });
    }
    add_weights();
    add_number("batch size x widths", "million values", [](const MeasuredTrial& trial) {
      return trial.batch_size && trial.hidden_nodes
                 ? std::optional(static_cast<double>(*trial.batch_size * *trial.hidden_nodes) / 1e6)
                 : std::nullopt;
    });
    add_number("batch size", "image", member(&MeasuredTrial::batch_size));
    add_number("depth", "layer", member(&MeasuredTrial::depth));
    add_number(
        "learning rate", "factor of 10",
        [](const MeasuredTrial& trial) {
          const bool has_logarithm = trial.learning_rate > 0.0 && std::isfinite(*trial.learning_rate);
          return has_logarithm ? std::optional(std::log10(*trial.learning_rate)) : std::nullopt;
        },
        true);
    add_number("epochs", "epoch", member(&MeasuredTrial::epochs));
  }

  // One optimizer: by the million of parameters, and arithmetic says what each costs. Several: by what it says.
  void add_weights() {
    std::set<std::optional<std::string>> optimizers;
    for (const MeasuredTrial& trial : trials_) {
      if (trial.parameter_count) optimizers.insert(optimizer_of(trial));
    }
    if (optimizers.size() == 1) {
      std::optional<Interval> slope = *optimizers.begin() ? bytes_a_parameter(**optimizers.begin()) : std::nullopt;
      if (slope) slope = Interval{slope->low * 1e6 / kMib, slope->high * most_beside() * 1e6 / kMib};
      add_number("parameters", "million", member(&MeasuredTrial::parameter_count, 1e6), false, slope);
    } else {
      add_number(
          "weights + gradients + optimizer state", "MiB",
          [](const MeasuredTrial& trial) -> std::optional<double> {
            const std::optional<std::string> optimizer = optimizer_of(trial);
            const std::optional<Interval> bytes = optimizer ? bytes_a_parameter(*optimizer) : std::nullopt;
            if (!bytes || !trial.parameter_count) return std::nullopt;
            return static_cast<double>(*trial.parameter_count) * bytes->low / kMib;
          },
          false, Interval{1, 1.5 * most_beside()});  // 12 for 8 bytes of sgd, 24 for 16 of adam
    }
  }

  // The trainer's own count of tensors knows no holes.
  double most_beside() const { return metric_.name == "tensor" ? 1 : 1 + kResidentBeside; }

  static bool is_known(const MeasuredTrial& trial, const ParameterLeaf& leaf) {
    static const std::set<std::string, std::less<>> kNoMatter = {"seed", "reported_memory_mib"};
    return kNoMatter.contains(leaf.name) || has_own_column({.dataset = trial.dataset,
                                                            .learning_rate = trial.learning_rate,
                                                            .epochs = trial.epochs,
                                                            .batch_size = trial.batch_size,
                                                            .hidden_layers = trial.hidden_layers},
                                                           leaf);
  }

  // Parameters without a typed column: numbers as such, words as factors.
  void add_other_terms() {
    std::map<std::string, std::vector<std::string>> values;
    std::set<std::string> others;
    for (std::size_t i = 0; i < trials_.size(); ++i) {
      for (const ParameterLeaf& leaf : parameter_leaves(trials_[i].parameters)) {
        auto& column = values[leaf.name];
        column.resize(trials_.size());
        column[i] = leaf.json;
        if (!is_known(trials_[i], leaf)) others.insert(leaf.name);
      }
    }
    for (const std::string& name : others) add_parameter(name, values[name]);
  }

  void add_parameter(const std::string& name, const std::vector<std::string>& values) {
    constexpr std::size_t kMostLevels = 8;
    std::vector<double> numbers;
    for (const std::string& text : values) {
      const json value = json::parse(text, nullptr, false);
      if (value.is_number()) numbers.push_back(value.get<double>());
    }
    const std::set<std::string> levels(values.begin(), values.end());
    if (levels.size() < 2) return;
    if (numbers.size() == values.size()) {
      question_.experiment.terms.push_back({.name = escape_controls(name), .unit = "unit", .numbers = numbers});
    } else if (levels.size() <= kMostLevels) {
      Term term{.name = escape_controls(name), .unit = ""};
      for (const std::string& text : values) term.levels.push_back(text.empty() ? "none" : escape_controls(text));
      question_.experiment.terms.push_back(std::move(term));
    } else {
      say_left_out("{}, which is no number and has {} different values.", escape_controls(name), levels.size());
    }
  }

  void keep_only(const std::vector<std::string>& only) {
    if (only.empty()) return;
    std::set<std::string, std::less<>> known, asked;
    for (const Term& term : question_.experiment.terms) known.insert(term.name);
    for (const std::string& name : only) {
      const std::string bare = boost::algorithm::trim_copy(name);
      asked.insert(bare);
      if (known.contains(bare)) continue;
      throw UsageError(fmt::format("--terms names {}, and would have to name some of: '{}'", memtrack::quoted(bare),
                                   fmt::join(known, "', '")));
    }
    std::erase_if(question_.experiment.terms, [&](const Term& term) { return !asked.contains(term.name); });
  }

  const EffectMetric& metric_;
  std::vector<MeasuredTrial> trials_;
  Question question_;
};

}  // namespace

std::span<const EffectMetric> effect_metrics() {
  return kMetrics;
}

const EffectMetric& find_effect_metric(std::string_view name) {
  const auto found = std::find_if(kMetrics.begin(), kMetrics.end(), [&](const auto& m) { return m.name == name; });
  if (found == kMetrics.end()) {
    std::array<std::string_view, kMetrics.size()> names;
    std::ranges::transform(kMetrics, names.begin(), &EffectMetric::name);
    throw UsageError(fmt::format("--metric is {}, and would have to be one of {}{}", memtrack::quoted(name),
                                 join_names(names), did_you_mean(name, names)));
  }
  return *found;
}

MeasuredSweep read_measured_sweep(Database& database, std::int64_t sweep_id, const EffectMetric& metric,
                                  const std::optional<std::string>& phase) {
  MeasuredSweep sweep;
  const bool is_published = metric.name == kReported;  // known before anything ran here
  sweep.unfinished = is_published ? 0 : count_unfinished(database, sweep_id);
  std::vector<Value> parameters = {sweep_id};
  if (phase) parameters.emplace_back(*phase);
  query_rows(
      database,
      fmt::format(fmt::runtime(kSelectTrials), fmt::arg("bytes", phase ? metric.phase_sql : metric.whole_sql),
                  fmt::arg("which", is_published ? "true" : "t.state = 'done'")),
      parameters, [](const std::vector<std::string>&) {},
      [&](const std::vector<Value>& values) { sweep.trials.push_back(read_trial(values)); });
  return sweep;
}

Question effect_question(const MeasuredSweep& sweep, const EffectMetric& metric, const std::vector<std::string>& only) {
  return QuestionBuilder(sweep, metric).build(only);
}

}  // namespace memtrack
