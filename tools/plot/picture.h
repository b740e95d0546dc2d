#pragma once

// A picture as data: what is drawn, and what stands on the axes. time_picture.h and its neighbours make them;
// gnuplot.h draws them into files, text_chart.h on a terminal.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tools/statistics.h"  // Interval

namespace memtrack {

struct Axis {
  std::string title;  // with its unit: "resident memory (MiB)"
  bool is_logarithmic = false;
  std::vector<std::string> words = {};  // places 0, 1, ... carry these instead of numbers
  bool from_zero = false;
  bool is_tight = false;  // no margin beside the values: time
  bool is_whole = false;  // nothing between whole numbers
};

struct Point {
  double x = 0;
  double y = 0;
  std::optional<Interval> interval = {};  // of y: an error bar; of an area or a box: from where to where it reaches
  std::string name = {};                  // shown by a page that can be pointed at
};

enum class Drawn { line, dashed, points, hollow_points, peak, area, boxes };

struct Series {
  std::string title;  // in the legend; empty: not in it
  Drawn drawn = Drawn::line;
  std::size_t colour = 0;  // place in the palette
  std::vector<Point> points = {};
};

// A part of the x axis with a name.
struct PhaseSpan {
  double from = 0;
  double to = 0;
  std::string name;
};

struct AxisMark {
  double x = 0;
  std::string text;
};

struct Panel {
  std::string title = {};
  Axis x = {}, y = {};
  std::vector<Series> series = {};
  // Shaded over the panel's whole height, or strips above it, one a row.
  std::vector<std::vector<PhaseSpan>> phases = {};
  bool has_strips = false;
  std::string marks_title = {};
  std::vector<AxisMark> marks = {};  // on the axis above, "epoch"
  bool is_turned = false;            // x goes up, y to the right
};

struct Picture {
  std::string title;
  std::vector<Panel> panels;            // at least one; the legend is of the first
  std::vector<std::string> notes = {};  // below it: sentences
};

struct AxisRange {
  double low = 0;
  double high = 1;
};

// What an axis shows of these values: a little more than all of them, never nothing.
AxisRange range_of(const Axis& axis, const std::vector<double>& values);
std::vector<double> x_values(const Panel& panel);
std::vector<double> y_values(const Panel& panel);  // with the ends of intervals

// The names of all phases, in the order in which they come.
std::vector<std::string> phase_names(const Panel& panel);

}  // namespace memtrack
