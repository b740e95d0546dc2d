#include "tools/effects/effects_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/text.h"

namespace memtrack {
namespace {

using nlohmann::ordered_json;

constexpr double kLevel = 0.05;
constexpr double kArithmeticSlack = 0.05;  // of the expected slope: allocators round up, and not only weights grow

// Three significant digits, and no exponent where people can do without.
std::string number_text(double value) {
  const double size = std::abs(value);
  if (size != 0 && (size < 1e-4 || size >= 1e7)) return fmt::format("{:.2e}", value);
  return fmt::format("{:.{}f}", value,
                     size >= 100 || size == 0 ? 0
                     : size >= 10             ? 1
                     : size >= 1              ? 2
                     : size >= 0.1            ? 3
                     : size >= 0.01           ? 4
                                              : 6);
}

std::string interval_text(double value, const Interval& interval) {
  return fmt::format("{} [{}, {}]", number_text(value), number_text(interval.low), number_text(interval.high));
}

std::string range_text(const Interval& range) {
  return fmt::format("{} to {}", number_text(range.low), number_text(range.high));
}

std::string p_text(double p) {
  return p < 0.001 ? "<0.001" : fmt::format("{:.3f}", p);
}

bool is_denied_by_arithmetic(const Effect& effect) {
  if (!effect.arithmetic) return false;
  const Interval& interval = effect.contrasts.at(0).slope_interval;
  return interval.high < effect.arithmetic->low * (1 - kArithmeticSlack) ||
         interval.low > effect.arithmetic->high * (1 + kArithmeticSlack);
}

// The slope is known well enough to be held against arithmetic.
bool is_told(const Effect& effect) {
  const Interval& interval = effect.contrasts.at(0).slope_interval;
  return interval.high - interval.low < effect.arithmetic->low;
}

std::string names_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : i + 1 == names.size() ? " and " : ", ", names[i]);
  }
  return text;
}

// What the controls say where they hold; empty: there are none.
std::string held_controls(const Effects& effects) {
  std::vector<std::string> idle;
  std::string slopes;
  for (const Effect& effect : effects.effects) {
    if (effect.is_control) idle.push_back(effect.name);
    if (effect.arithmetic && is_told(effect)) {
      slopes = fmt::format("{} {} MiB per {}, arithmetic says {}", effect.name,
                           interval_text(effect.contrasts.at(0).slope, effect.contrasts.at(0).slope_interval),
                           effect.unit, range_text(*effect.arithmetic));
    }
  }
  std::sort(idle.begin(), idle.end());
  std::string text = idle.empty() ? "" : fmt::format("no effect of {} was seen", names_of(idle));
  if (!slopes.empty()) text += (text.empty() ? "" : "; ") + slopes;
  return text.empty() ? "" : fmt::format("Controls hold: {}.", text);
}

ordered_json interval_json(const Interval& interval) {
  return ordered_json::array({interval.low, interval.high});
}

ordered_json effect_json(const Effect& effect) {
  ordered_json object = {
      {"name", effect.name},
      {"unit", effect.unit.empty() ? ordered_json() : ordered_json(effect.unit)},
      {"share", effect.share},
      {"p_value", effect.p_value},
      {"holm_p_value", effect.adjusted_p},
      {"is_control", effect.is_control},
      {"arithmetic_slope_mib", effect.arithmetic ? interval_json(*effect.arithmetic) : ordered_json()}};
  for (const Contrast& contrast : effect.contrasts) {
    object["contrasts"].push_back({{"level", contrast.level.empty() ? ordered_json() : ordered_json(contrast.level)},
                                   {"slope_mib", contrast.slope},
                                   {"slope_interval_mib", interval_json(contrast.slope_interval)},
                                   {"over_range_mib", contrast.over_range},
                                   {"over_range_interval_mib", interval_json(contrast.over_range_interval)},
                                   {"smallest_visible_mib", contrast.smallest_visible}});
  }
  return object;
}

}  // namespace

std::vector<std::string> violated_controls(const Effects& effects) {
  std::vector<std::string> violated;
  for (const Effect& effect : effects.effects) {
    const Contrast& first = effect.contrasts.at(0);
    if (effect.is_control && effect.adjusted_p < kLevel) {
      violated.push_back(fmt::format(
          "{} should do nothing and moves memory by {} MiB over its range (p {}): something that goes along with it is "
          "at work, and may be behind the other effects too.",
          effect.name, interval_text(first.over_range, first.over_range_interval), p_text(effect.adjusted_p)));
    }
    if (is_denied_by_arithmetic(effect)) {
      violated.push_back(fmt::format(
          "{} {} MiB per {}, where arithmetic says {}: something that goes along with it is at "
          "work too, or the figure does not hold all of this memory.",
          effect.name, interval_text(first.slope, first.slope_interval), effect.unit, range_text(*effect.arithmetic)));
    }
  }
  return violated;
}

std::vector<std::string> effects_head(const EffectsAnswer& answer) {
  const Effects& effects = answer.effects;
  std::vector<std::string> lines;
  for (const std::string& text : violated_controls(effects)) lines.push_back("CONTROL VIOLATED: " + text);
  lines.push_back(fmt::format("{}: what moves {}{}", answer.sweep, answer.metric,
                              answer.phase.empty() ? ", over whole trials" : " in phase " + answer.phase));
  lines.push_back(fmt::format("{} of {} in {}; {} MiB on average, {} to {}; {:.1f}% of the variation explained",
                              count_of(static_cast<std::int64_t>(effects.trials), "trial"),
                              count_of(static_cast<std::int64_t>(effects.networks), "configuration"),
                              count_of(static_cast<std::int64_t>(effects.blocks), "block"),
                              format_mib(effects.mean * kMib), format_mib(effects.smallest * kMib),
                              format_mib(effects.largest * kMib), effects.explained * 100));
  if (violated_controls(effects).empty()) {
    if (const std::string held = held_controls(effects); !held.empty()) lines.push_back(held);
  }
  return lines;
}

TextTable effects_table(const Effects& effects) {
  TextTable table;
  table.columns = {{.title = "effect", .is_key = true, .fold_to = 24},
                   {.title = "over its range\nMiB [95%]", .is_number = true},
                   {.title = "share", .is_number = true},
                   {.title = "p\n(Holm)", .is_number = true},
                   {.title = "could see\nMiB", .is_number = true},
                   {.title = "slope\nMiB [95%]", .is_number = true},
                   {.title = "per"}};
  for (const Effect& effect : effects.effects) {
    for (std::size_t i = 0; i < effect.contrasts.size(); ++i) {
      const Contrast& contrast = effect.contrasts[i];
      const std::string name =
          contrast.level.empty() ? effect.name : fmt::format("{}: {}", effect.name, contrast.level);
      table.rows.push_back({name, interval_text(contrast.over_range, contrast.over_range_interval),
                            i == 0 ? fmt::format("{:.1f}%", effect.share * 100) : "",
                            i == 0 ? p_text(effect.adjusted_p) : "", number_text(contrast.smallest_visible),
                            effect.unit.empty() ? "-" : interval_text(contrast.slope, contrast.slope_interval),
                            effect.unit});
    }
  }
  return table;
}

std::vector<std::string> effects_notes(const EffectsAnswer& answer) {
  std::vector<std::string> notes = {
      fmt::format("Shown is {}.", answer.meaning),
      "share: of the variation among trials, explained with this effect and not without it. p: by permutation, Holm's "
      "over the controls and over the others. could see: the smallest true effect that this sweep finds in four of "
      "five cases.",
  };
  if (answer.effects.is_saturated) {
    notes.push_back(
        "There are as many configurations as effects: the intervals come from repeats alone and hold for these "
        "configurations; nothing checks that others lie on the same line.");
  }
  if (answer.effects.blocks == 1 && answer.effects.networks == answer.effects.trials) {
    notes.push_back(
        "One repeat of each: what a configuration does and what its run did cannot be told apart; --repeats 3 can.");
  }
  notes.insert(notes.end(), answer.effects.untold.begin(), answer.effects.untold.end());
  notes.insert(notes.end(), answer.left_out.begin(), answer.left_out.end());
  return notes;
}

std::string effects_json(const EffectsAnswer& answer) {
  const Effects& effects = answer.effects;
  ordered_json object = {{"sweep", answer.sweep},
                         {"metric", answer.metric},
                         {"phase", answer.phase.empty() ? ordered_json() : ordered_json(answer.phase)},
                         {"violated_controls", violated_controls(effects)},
                         {"trials", effects.trials},
                         {"configurations", effects.networks},
                         {"blocks", effects.blocks},
                         {"mean_mib", effects.mean},
                         {"smallest_mib", effects.smallest},
                         {"largest_mib", effects.largest},
                         {"explained", effects.explained},
                         {"degrees_of_freedom", effects.degrees},
                         {"is_saturated", effects.is_saturated},
                         {"effects", ordered_json::array()},
                         {"notes", ordered_json::array()}};
  for (const Effect& effect : effects.effects) object["effects"].push_back(effect_json(effect));
  for (const std::string& note : effects.untold) object["notes"].push_back(note);
  for (const std::string& note : answer.left_out) object["notes"].push_back(note);
  return object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace memtrack
