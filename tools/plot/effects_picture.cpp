#include "tools/plot/effects_picture.h"

#include <fmt/format.h>

namespace memtrack {

Picture effects_picture(const EffectsAnswer& answer) {
  Panel panel{.y = {.title = "change of memory over the effect's range in this sweep (MiB)"},
              .series = {{.title = "hyperparameters", .drawn = Drawn::points, .colour = 0},
                         {.title = "controls: expected to do nothing", .drawn = Drawn::hollow_points, .colour = 1},
                         {.title = "", .drawn = Drawn::dashed, .colour = 6}},
              .is_turned = true};
  for (const Effect& effect : answer.effects.effects) {
    for (const Contrast& contrast : effect.contrasts) {
      const auto place = static_cast<double>(panel.x.words.size());
      panel.x.words.push_back(contrast.level.empty() ? effect.name
                                                     : fmt::format("{}: {}", effect.name, contrast.level));
      panel.series[effect.is_control ? 1 : 0].points.push_back(
          {.x = place, .y = contrast.over_range, .interval = contrast.over_range_interval});
    }
  }
  panel.series[2].points = {{.x = -0.5, .y = 0}, {.x = static_cast<double>(panel.x.words.size()) - 0.5, .y = 0}};
  Picture picture{.title = fmt::format("{}: what moves {}{}", answer.sweep, answer.metric,
                                       answer.phase.empty() ? ", over whole trials" : " in phase " + answer.phase),
                  .panels = {std::move(panel)},
                  .notes = violated_controls(answer.effects)};
  for (std::string& note : picture.notes) note = "CONTROL VIOLATED: " + note;
  picture.notes.push_back(fmt::format("Shown is {}. Bars: 95% intervals; the unit is the trial.", answer.meaning));
  return picture;
}

}  // namespace memtrack
