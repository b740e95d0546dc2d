#include "tools/report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "tools/exit_codes.h"
#include "tools/text.h"

namespace memtrack {
namespace {

using nlohmann::ordered_json;

using Configurations = std::map<std::string, std::vector<double>>;  // hyperparameters -> figures of their trials

// Repeats differ in their seed alone.
std::string configuration_of(const ReportRow& row) {
  nlohmann::json parameters = nlohmann::json::parse(row.parameters);
  parameters.erase("seed");
  return parameters.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + row.dataset.value_or("");
}

Configurations configurations_of(const std::vector<ReportRow>& rows) {
  Configurations found;
  for (const ReportRow& row : rows) {
    if (row.state == TrialState::done && row.memory_bytes) found[configuration_of(row)].push_back(*row.memory_bytes);
  }
  return found;
}

std::vector<double> all_of(const Configurations& configurations) {
  std::vector<double> values;
  for (const auto& [name, figures] : configurations) values.insert(values.end(), figures.begin(), figures.end());
  return values;
}

bool same_configurations(const Configurations& a, const Configurations& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) { return x.first == y.first; });
}

// The mean difference of the same hyperparameters on both sides, whose own spread then does not matter.
Difference paired_difference(const Configurations& a, const Configurations& b) {
  std::vector<double> differences;
  for (auto x = a.begin(), y = b.begin(); x != a.end(); ++x, ++y) {
    differences.push_back(mean_of(y->second) - mean_of(x->second));
  }
  const auto count = static_cast<double>(differences.size());
  Difference difference;
  difference.estimate = mean_of(differences);
  difference.standard_error = *standard_deviation_of(differences) / std::sqrt(count);
  difference.degrees = count - 1;
  difference.interval = *mean_interval(differences);
  difference.p_value = difference.standard_error == 0
                           ? (difference.estimate == 0 ? 1.0 : 0.0)
                           : student_p_value(difference.estimate / difference.standard_error, difference.degrees);
  return difference;
}

void refuse_without_figure(const Figure& figure, const ComparedSide& side, const GroupSummary& summary) {
  if (summary.memory.count > 0 || summary.mixed_sources) return;
  throw UsageError(fmt::format("{}: {} of its {} done, and none has {}{}; 'memtrack report' says why", side.title,
                               summary.done, count_of(summary.trials, "trial") + (summary.trials == 1 ? " is" : " are"),
                               figure.metric.column,
                               figure.phase ? fmt::format(" in phase {}", escape_controls(*figure.phase)) : ""));
}

void refuse_mixed_peaks(const ComparedSide& a, const GroupSummary& of_a, const ComparedSide& b,
                        const GroupSummary& of_b) {
  constexpr const char* kRemedy =
      "the two are not compared; --statistic mean, median or p95 compares the same readings of both";
  for (const auto& [side, summary] : {std::pair(&a, &of_a), std::pair(&b, &of_b)}) {
    if (summary->mixed_sources) {
      throw UsageError(
          fmt::format("the peaks of {} are partly exact (kept by the kernel), partly the largest sample, "
                      "a lower bound: {}",
                      side->title, kRemedy));
    }
  }
  if (of_a.is_lower_bound != of_b.is_lower_bound) {
    const bool a_is_exact = of_b.is_lower_bound;
    throw UsageError(
        fmt::format("the peaks of {} are exact (kept by the kernel), those of {} the largest samples, lower "
                    "bounds: {}",
                    (a_is_exact ? a : b).title, (a_is_exact ? b : a).title, kRemedy));
  }
}

std::string side_line(const char* letter, const ComparedSide& side, const GroupSummary& summary) {
  const Spread& memory = summary.memory;
  const std::string trials = summary.trials == memory.count
                                 ? count_of(memory.count, "trial")
                                 : fmt::format("{} of {}", memory.count, count_of(summary.trials, "trial"));
  return fmt::format("{}: {}, {}: {}{}{} MiB", letter, side.title, trials, memory.count == 1 ? "" : "mean ",
                     format_mib(*memory.mean),
                     memory.deviation ? fmt::format(", sd {}", format_mib(*memory.deviation)) : "");
}

ordered_json side_json(const ComparedSide& side, const GroupSummary& summary) {
  const Spread& memory = summary.memory;
  return {{"what", side.title},
          {"trials", memory.count},
          {"mean_mib", *memory.mean / kMib},
          {"sd_mib", memory.deviation ? ordered_json(*memory.deviation / kMib) : ordered_json()}};
}

}  // namespace

Comparison compare_sides(const Figure& figure, const ComparedSide& a, const ComparedSide& b) {
  Comparison comparison{.a = summarize(a.rows), .b = summarize(b.rows)};
  refuse_without_figure(figure, a, comparison.a);
  refuse_without_figure(figure, b, comparison.b);
  refuse_mixed_peaks(a, comparison.a, b, comparison.b);
  const Configurations of_a = configurations_of(a.rows), of_b = configurations_of(b.rows);
  comparison.difference_bytes = *comparison.b.memory.mean - *comparison.a.memory.mean;
  if (of_a.size() > 1 && same_configurations(of_a, of_b)) {
    comparison.paired_configurations = static_cast<int>(of_a.size());
    comparison.difference = paired_difference(of_a, of_b);
  } else {
    comparison.difference = difference_of_means(all_of(of_a), all_of(of_b));
  }
  if (comparison.difference) {
    comparison.difference_bytes = comparison.difference->estimate;
    comparison.visible_bytes =
        smallest_visible_effect(comparison.difference->standard_error, comparison.difference->degrees);
  } else {
    const bool one_each = comparison.a.memory.count == 1 && comparison.b.memory.count == 1;
    comparison.why_no_interval = fmt::format(
        "no interval: {}, which says nothing of how much the next run of the same would differ; repeats of both do",
        one_each ? "one trial against one" : "one side is a single trial");
  }
  return comparison;
}

std::vector<std::string> comparison_text(const Figure& figure, const ComparedSide& a, const ComparedSide& b,
                                         const Comparison& comparison) {
  std::vector<std::string> lines = {side_line("A", a, comparison.a), side_line("B", b, comparison.b)};
  const std::string estimate = format_mib(comparison.difference_bytes);
  if (comparison.difference) {
    const Interval& interval = comparison.difference->interval;
    lines.push_back(fmt::format("B - A: {} [{}, {}] MiB; could have seen {}", estimate, format_mib(interval.low),
                                format_mib(interval.high), format_mib(*comparison.visible_bytes)));
  } else {
    lines.push_back(fmt::format("B - A: {} MiB; {}", estimate, comparison.why_no_interval));
  }
  lines.push_back("");
  lines.push_back(figure_sentence(figure));
  if (comparison.paired_configurations > 0) {
    lines.push_back(
        fmt::format("The same {} hyperparameter settings stood against each other, one difference each: "
                    "95% t interval of their mean.",
                    comparison.paired_configurations));
  } else if (comparison.difference) {
    lines.push_back("95% t interval of the difference of the means over trials (Welch: spreads may differ).");
  }
  if (comparison.difference) {
    lines.push_back(
        "Could have seen: the smallest true difference that trials like these show as one in four of five cases.");
  }
  return lines;
}

std::string comparison_json(const Figure& figure, const ComparedSide& a, const ComparedSide& b,
                            const Comparison& comparison) {
  ordered_json json = {{"metric", figure.metric.name},
                       {"statistic", to_string(figure.statistic)},
                       {"phase", figure.phase ? ordered_json(*figure.phase) : ordered_json()},
                       {"a", side_json(a, comparison.a)},
                       {"b", side_json(b, comparison.b)},
                       {"difference_mib", comparison.difference_bytes / kMib},
                       {"interval_mib", nullptr},
                       {"could_have_seen_mib", nullptr},
                       {"p_value", nullptr},
                       {"paired_configurations", comparison.paired_configurations},
                       {"why_no_interval", nullptr}};
  if (const auto& difference = comparison.difference) {
    json["interval_mib"] = {difference->interval.low / kMib, difference->interval.high / kMib};
    json["could_have_seen_mib"] = *comparison.visible_bytes / kMib;
    json["p_value"] = difference->p_value;
  } else {
    json["why_no_interval"] = comparison.why_no_interval;
  }
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace memtrack
