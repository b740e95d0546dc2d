#include "tools/plot/picture_json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace memtrack {
namespace {

using nlohmann::ordered_json;

const char* name_of(Drawn drawn) {
  switch (drawn) {
    case Drawn::line:
      return "line";
    case Drawn::dashed:
      return "dashed";
    case Drawn::points:
      return "points";
    case Drawn::hollow_points:
      return "hollow";
    case Drawn::peak:
      return "peak";
    case Drawn::area:
      return "area";
    case Drawn::boxes:
      break;
  }
  return "boxes";
}

// Six digits: more is not seen, and a page is mailed.
ordered_json short_number(double value) {
  if (value == 0 || !std::isfinite(value)) return value == 0 ? ordered_json(0) : ordered_json();
  const double unit = std::pow(10, std::floor(std::log10(std::abs(value))) - 5);
  const double rounded = std::round(value / unit);
  return unit < 1 ? rounded / std::round(1 / unit) : rounded * unit;
}

ordered_json axis_json(const Axis& axis, const std::vector<double>& values) {
  const AxisRange range = range_of(axis, values);
  return {{"title", axis.title},
          {"log", axis.is_logarithmic},
          {"words", axis.words},
          {"low", range.low},
          {"high", range.high}};
}

// [x, y], [x, y, low, high], [x, y, low, high, name]
ordered_json point_json(const Point& point) {
  ordered_json json = {short_number(point.x), short_number(point.y)};
  if (point.interval) {
    json.push_back(short_number(point.interval->low));
    json.push_back(short_number(point.interval->high));
  } else if (!point.name.empty()) {
    json.push_back(nullptr);
    json.push_back(nullptr);
  }
  if (!point.name.empty()) json.push_back(point.name);
  return json;
}

}  // namespace

ordered_json panel_json(const Panel& panel) {
  ordered_json series = ordered_json::array(), phases = ordered_json::array(), marks = ordered_json::array();
  for (const Series& one : panel.series) {
    ordered_json points = ordered_json::array();
    for (const Point& point : one.points) points.push_back(point_json(point));
    series.push_back({{"title", one.title}, {"drawn", name_of(one.drawn)}, {"colour", one.colour}, {"points", points}});
  }
  if (panel.phases.size() == 1 && !panel.has_strips) {
    for (const PhaseSpan& span : panel.phases[0]) {
      phases.push_back({short_number(span.from), short_number(span.to), span.name});
    }
  }
  for (const AxisMark& mark : panel.marks) marks.push_back({short_number(mark.x), mark.text});
  return {{"title", panel.title},
          {"x", axis_json(panel.x, x_values(panel))},
          {"y", axis_json(panel.y, y_values(panel))},
          {"series", series},
          {"phases", phases},
          {"phase_names", phase_names(panel)},
          {"marks", marks},
          {"marks_title", panel.marks_title}};
}

}  // namespace memtrack
