// A picture as a script for gnuplot (5.4 and later).

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "tools/plot/gnuplot.h"
#include "tools/text.h"

namespace memtrack {
namespace {

// Okabe and Ito (2008): told apart by the colour-blind as well. Yellow last: it is hard to see on white.
constexpr std::array<std::string_view, 8> kColours = {"#0072B2", "#D55E00", "#009E73", "#E69F00",
                                                      "#CC79A7", "#56B4E9", "#000000", "#F0E442"};
// Phases lie behind everything: tints, of different greys in print where they follow each other.
constexpr std::array<std::string_view, 8> kTints = {"#CFCFCF", "#FCE0B8", "#A8D1EC", "#F7F3E3",
                                                    "#8CCFB4", "#EBCBDF", "#C9C5EA", "#FAF0A8"};
constexpr std::array<int, 4> kFilledPoints = {7, 5, 9, 13}, kHollowPoints = {6, 4, 8, 12};

constexpr double kPanelWidth = 480, kPanelHeight = 300, kLineHeight = 17;  // pixels of the SVG
constexpr double kStripHeight = 11;
constexpr std::size_t kNoteLetters = 145;  // on a picture of two panels' width

using Out = std::back_insert_iterator<std::string>;

// In single quotes gnuplot takes every byte as it is but the quote itself: there is none, since a doubled one ends the
// text where it begins it.
std::string quoted_text(const std::string& text) {
  std::string result = "'";
  for (const char c : escape_controls(text)) result += c == '\'' ? std::string("’") : std::string(1, c);
  return result + "'";
}

// Labels of ticks are printf's formats.
std::string tick_text(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '%' ? std::string("%%") : std::string(1, c);
  return quoted_text(result);
}

template <typename Array>
const auto& in_turn(const Array& items, std::size_t index) {
  return items[index % items.size()];
}

struct Layout {
  std::size_t columns = 1, rows = 1;
  double width = 0, height = 0;  // pixels
  double panel_height = 0;       // of the only panel
  double top = 0, bottom = 0;    // of the panels, from the picture's foot, 0 to 1
  std::size_t legend_columns = 1, legend_rows = 0;
  std::vector<std::string> notes;  // lines
};

// Words that would run into each other side by side.
bool has_slanting_words(const Axis& axis) {
  std::size_t letters = 0;
  for (const std::string& word : axis.words) letters += display_width(word) + 2;
  return letters > 60;
}

std::vector<std::string> legend_of(const Panel& panel) {
  std::vector<std::string> titles;
  for (const Series& series : panel.series) {
    if (!series.title.empty()) titles.push_back(series.title);
  }
  for (const std::string& name : phase_names(panel)) titles.push_back(name);
  return titles;
}

Layout lay_out(const Picture& picture) {
  Layout layout;
  const std::size_t count = picture.panels.size();
  layout.columns = count == 1 ? 1 : count <= 4 ? 2 : 3;
  layout.rows = (count + layout.columns - 1) / layout.columns;
  const Panel& first = picture.panels.front();
  layout.width = kPanelWidth * static_cast<double>(std::max<std::size_t>(layout.columns, 2));
  std::size_t widest = 1;
  const std::vector<std::string> legend = legend_of(first);
  for (const std::string& title : legend) widest = std::max(widest, display_width(title));
  const auto letters = static_cast<std::size_t>(layout.width / 8);
  layout.legend_columns = std::clamp<std::size_t>(letters / (widest + 7), 1, std::max<std::size_t>(legend.size(), 1));
  layout.legend_rows = (legend.size() + layout.legend_columns - 1) / layout.legend_columns;
  for (const std::string& note : picture.notes) {
    const auto lines = wrap_words(note, kNoteLetters * letters / 120);
    layout.notes.insert(layout.notes.end(), lines.begin(), lines.end());
  }
  const double body =
      count == 1
          ? (first.is_turned && !first.x.words.empty() ? 60 + 26.0 * static_cast<double>(first.x.words.size()) : 400)
          : kPanelHeight * static_cast<double>(layout.rows);
  layout.panel_height = body;
  const double strips = first.has_strips ? kStripHeight * static_cast<double>(first.phases.size() + 1) : 0;
  const double head =
      48 + strips + (first.marks.empty() ? 0 : 2.6 * kLineHeight) + (first.title.empty() ? 0 : kLineHeight);
  const double foot = (!first.is_turned && has_slanting_words(first.x) ? 100 : 60) +
                      kLineHeight * static_cast<double>(layout.legend_rows) +
                      14 * static_cast<double>(layout.notes.size()) + 14;
  layout.height = head + body + foot;
  layout.top = 1 - head / layout.height;
  layout.bottom = foot / layout.height;
  return layout;
}

std::string terminal_of(PictureFormat format, const Layout& layout) {
  switch (format) {
    case PictureFormat::svg:
      return fmt::format("svg size {:.0f},{:.0f} dynamic font 'sans-serif,13' background '#ffffff'", layout.width,
                         layout.height);
    case PictureFormat::png:
      return fmt::format("pngcairo size {:.0f},{:.0f} font 'sans-serif,20' fontscale 1 linewidth 2 pointscale 1.8",
                         layout.width * 2, layout.height * 2);
    case PictureFormat::pdf:
      break;
  }
  return fmt::format("pdfcairo size {:.2f}in,{:.2f}in font 'sans-serif,10' linewidth 1.3 pointscale 0.6",
                     layout.width / 100, layout.height / 100);
}

double letter_scale(PictureFormat format) {
  return format == PictureFormat::svg ? 13 : format == PictureFormat::png ? 20 : 10;
}

std::string number(double value) {
  return fmt::format("{:.10g}", value);
}

constexpr double kFewPowers = 300;  // largest over smallest: powers of ten alone would be few

// "1, 2, 5, 10": of a logarithmic axis.
std::string tics_between_powers(const AxisRange& range) {
  std::string tics;
  for (double power = std::pow(10, std::floor(std::log10(range.low))); power <= range.high; power *= 10) {
    for (const double tic : {power, 2 * power, 5 * power}) {
      if (tic >= range.low && tic <= range.high) tics += (tics.empty() ? "" : ", ") + number(tic);
    }
  }
  return tics;
}

// "x" or "y" of gnuplot's own axes.
void set_axis(Out out, const char* name, const Axis& axis, const AxisRange& range, bool is_reversed) {
  fmt::format_to(out, "unset logscale {0}\nset {0}tics autofreq nomirror norotate\nset format {0} '%g'\n", name);
  fmt::format_to(out, "set {}label {}\n", name, quoted_text(axis.title));
  if (axis.is_logarithmic) {
    fmt::format_to(out, "set logscale {} 10\n", name);
    if (range.high / range.low < kFewPowers)
      fmt::format_to(out, "set {}tics ({}) nomirror\n", name, tics_between_powers(range));
  }
  fmt::format_to(out, "set {}range [{}:{}]\n", name, number(is_reversed ? range.high : range.low),
                 number(is_reversed ? range.low : range.high));
  if (axis.is_whole) fmt::format_to(out, "set {}tics 1 nomirror\n", name);
  if (axis.words.empty()) return;
  std::string tics;
  for (std::size_t i = 0; i < axis.words.size(); ++i) {
    tics += fmt::format("{}{} {}", i == 0 ? "" : ", ", tick_text(axis.words[i]), i);
  }
  fmt::format_to(out, "set {}tics ({}) nomirror{}\n", name, tics,
                 name[0] == 'x' && has_slanting_words(axis) ? " rotate by 40 right" : "");
}

void set_marks(Out out, const Panel& panel, const AxisRange& x) {
  if (panel.marks.empty()) {
    fmt::format_to(out, "unset x2tics\nunset x2label\n");
    return;
  }
  std::string tics;
  for (const AxisMark& mark : panel.marks) {
    tics += fmt::format("{}{} {}", tics.empty() ? "" : ", ", tick_text(mark.text), number(mark.x));
  }
  fmt::format_to(out, "set x2range [{}:{}]\nset x2tics ({})\nset x2label {}\n", number(x.low), number(x.high), tics,
                 quoted_text(panel.marks_title));
}

void set_phases(Out out, const Panel& panel, double height) {
  fmt::format_to(out, "unset object\n");
  const std::vector<std::string> names = phase_names(panel);
  for (std::size_t row = 0; row < panel.phases.size(); ++row) {
    const double foot =
        panel.has_strips ? 1 + kStripHeight * static_cast<double>(panel.phases.size() - row) / height : 0;
    const double top = panel.has_strips ? foot + 0.8 * kStripHeight / height : 1;
    for (const PhaseSpan& span : panel.phases[row]) {
      const auto name = std::find(names.begin(), names.end(), span.name) - names.begin();
      fmt::format_to(
          out,
          "set object rectangle from first {}, graph {:.4f} to first {}, graph {:.4f} behind noclip fillstyle "
          "solid 1 noborder fillcolor rgb '{}'\n",
          number(span.from), foot, number(span.to), top, in_turn(kTints, static_cast<std::size_t>(name)));
    }
  }
}

std::string data_row(const Point& point, const Panel& panel) {
  const Interval interval = point.interval.value_or(Interval{point.y, point.y});
  const std::string own = panel.is_turned ? fmt::format("{} {}", number(point.y), number(point.x))
                                          : fmt::format("{} {}", number(point.x), number(point.y));
  return fmt::format("{} {} {} {}\n", own, number(interval.low), number(interval.high), number(point.x));
}

void add_data(Out out, const Panel& panel) {
  for (std::size_t i = 0; i < panel.series.size(); ++i) {
    fmt::format_to(out, "$series{} << END_OF_DATA\n", i);
    for (const Point& point : panel.series[i].points) fmt::format_to(out, "{}", data_row(point, panel));
    fmt::format_to(out, "END_OF_DATA\n");
  }
}

bool has_intervals(const Series& series) {
  return std::any_of(series.points.begin(), series.points.end(),
                     [](const Point& point) { return point.interval.has_value(); });
}

// How gnuplot draws columns 1 to 5 of a row (data_row()) of such a series.
std::string style_of(const Series& series, bool is_turned) {
  const std::string_view colour = in_turn(kColours, series.colour);
  const std::size_t round = series.colour / kColours.size();  // colours are used up: other lines
  const auto points = [&](const auto& shapes) {
    const std::string drawn = has_intervals(series)
                                  ? (is_turned ? "1:2:3:4 with xerrorbars" : "1:2:3:4 with yerrorbars")
                                  : std::string("1:2 with points");
    return fmt::format("{} pointtype {} pointsize 0.9 linewidth 1.2 linecolor rgb '{}'", drawn,
                       in_turn(shapes, series.colour), colour);
  };
  switch (series.drawn) {
    case Drawn::line:
      return fmt::format("1:2 with lines linewidth 1.6 dashtype {} linecolor rgb '{}'", round + 1, colour);
    case Drawn::dashed:
      return fmt::format("1:2 with lines linewidth 1 dashtype '--' linecolor rgb '{}'", colour);
    case Drawn::points:
      return points(kFilledPoints);
    case Drawn::hollow_points:
      return points(kHollowPoints);
    case Drawn::peak:
      return fmt::format("1:2 with points pointtype 11 pointsize 1.1 linecolor rgb '{}'", colour);
    case Drawn::area:
      return fmt::format("1:3:4 with filledcurves fillstyle solid 0.85 noborder fillcolor rgb '{}'", colour);
    case Drawn::boxes:
      break;
  }
  return fmt::format(
      "1:2:($1-0.4):($1+0.4):3:4 with boxxyerror fillstyle solid 0.85 border linecolor rgb '#ffffff' fillcolor "
      "rgb '{}'",
      colour);
}

constexpr std::string_view kNext = ", \\\n  ";  // between what is drawn

void add_plot(Out out, const Panel& panel, bool has_legend) {
  std::string parts;
  for (std::size_t i = 0; i < panel.series.size(); ++i) {
    const Series& series = panel.series[i];
    if (series.points.empty()) continue;  // gnuplot would complain
    const bool is_named = has_legend && !series.title.empty();
    parts += fmt::format("{}$series{} using {} {}", parts.empty() ? "" : kNext, i, style_of(series, panel.is_turned),
                         is_named ? "title " + quoted_text(series.title) : "notitle");
  }
  const std::vector<std::string> names = has_legend ? phase_names(panel) : std::vector<std::string>();
  for (std::size_t i = 0; i < names.size(); ++i) {
    parts += fmt::format(
        "{}keyentry with boxes fillstyle solid 1 border linecolor rgb '#999999' fillcolor rgb '{}' title {}",
        parts.empty() ? "" : kNext, in_turn(kTints, i), quoted_text(names[i]));
  }
  fmt::format_to(out, "plot {}\n", parts.empty() ? "NaN notitle" : parts);
}

void add_panel(Out out, const Panel& panel, const Layout& layout, bool has_legend) {
  const AxisRange x = range_of(panel.x, x_values(panel));
  const AxisRange y = range_of(panel.y, y_values(panel));
  fmt::format_to(out, "set title {} offset 0,-0.5\n", quoted_text(panel.title));
  set_axis(out, panel.is_turned ? "y" : "x", panel.x, x, panel.is_turned && !panel.x.words.empty());
  set_axis(out, panel.is_turned ? "x" : "y", panel.y, y, false);
  set_marks(out, panel, x);
  set_phases(out, panel, layout.panel_height);
  fmt::format_to(out, "{}\n", has_legend ? "" : "unset key");
  add_data(out, panel);
  add_plot(out, panel, has_legend);
}

double left_margin(const Picture& picture, const Layout& layout) {
  std::size_t widest = 0;
  const Panel& first = picture.panels.front();
  for (const std::string& word : first.is_turned ? first.x.words : first.y.words) {
    widest = std::max(widest, display_width(word));
  }
  return std::min((100.0 + 7.5 * static_cast<double>(widest)) / layout.width, 0.45);
}

}  // namespace

std::string gnuplot_script(const Picture& picture, PictureFormat format) {
  const Layout layout = lay_out(picture);
  const double size = letter_scale(format);
  std::string script;
  const Out out(script);
  fmt::format_to(out, "set encoding utf8\nset terminal {} noenhanced\n", terminal_of(format, layout));
  fmt::format_to(
      out,
      "set border 3 linecolor rgb '#555555'\nset grid linetype 1 dashtype 1 linecolor rgb '#e2e2e2' linewidth 0.6\n");
  fmt::format_to(out, "set tics font 'sans-serif,{:.0f}' scale 0.6\n", size * 0.85);
  const double note_line = 14 / layout.height;
  for (std::size_t i = 0; i < layout.notes.size(); ++i) {
    fmt::format_to(
        out, "set label {} {} at screen 0.01, screen {:.4f} left font 'sans-serif,{:.0f}' textcolor rgb '#444444'\n",
        i + 1, quoted_text(layout.notes[i]), note_line * (static_cast<double>(layout.notes.size() - i) - 0.3),
        size * 0.78);
  }
  const double legend_foot = note_line * static_cast<double>(layout.notes.size()) + 6 / layout.height;
  fmt::format_to(
      out,
      "set key at screen 0.5, screen {:.4f} center bottom horizontal maxcols {} samplen 1.8 Left reverse font "
      "'sans-serif,{:.0f}' noopaque\n",
      legend_foot, layout.legend_columns, size * 0.88);
  fmt::format_to(out,
                 "set multiplot layout {},{} margins screen {:.3f},{:.3f},{:.3f},{:.3f} spacing screen {:.3f},{:.3f} "
                 "title {} font "
                 "'sans-serif,{:.0f}'\n",
                 layout.rows, layout.columns, left_margin(picture, layout), 1 - 24 / layout.width, layout.bottom,
                 layout.top, 100 / layout.width, 96 / layout.height, quoted_text(picture.title), size * 1.15);
  for (std::size_t i = 0; i < picture.panels.size(); ++i) {
    add_panel(out, picture.panels[i], layout, i == 0);
    if (i == 0) fmt::format_to(out, "unset label\n");
  }
  fmt::format_to(out, "unset multiplot\nunset output\n");
  return script;
}

}  // namespace memtrack
