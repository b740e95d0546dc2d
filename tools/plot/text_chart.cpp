#include "tools/plot/text_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tools/text.h"

namespace memtrack {
namespace {

constexpr std::string_view kSigns = "*o+x#@%&abcdefgh";
constexpr std::size_t kScaleWidth = 10;  // numbers at the left
constexpr std::size_t kHeight = 16, kHeightOfMany = 10;

char sign_of(const Series& series) {
  return series.drawn == Drawn::peak     ? '^'
         : series.drawn == Drawn::dashed ? '-'
                                         : kSigns[series.colour % kSigns.size()];
}

std::string number_text(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  return size >= 1e6 || size < 1e-3 ? fmt::format("{:.1e}", value)
                                    : fmt::format("{:.{}f}", value,
                                                  size >= 100 ? 0
                                                  : size >= 1 ? 1
                                                              : 4);
}

// Letters in rows, the first on top.
class Grid {
 public:
  Grid(std::size_t width, std::size_t height) : rows_(height, std::string(width, ' ')) {}

  void put(std::size_t column, std::size_t row, char sign) { rows_[rows_.size() - 1 - row][column] = sign; }
  void put_column(std::size_t column, std::size_t from, std::size_t to, char sign) {
    for (std::size_t row = std::min(from, to); row <= std::max(from, to); ++row) put(column, row, sign);
  }
  const std::vector<std::string>& rows() const { return rows_; }

 private:
  std::vector<std::string> rows_;
};

// Where a value lies on an axis of `cells` places.
class Scale {
 public:
  Scale(const Axis& axis, const AxisRange& range, std::size_t cells)
      : is_logarithmic_(axis.is_logarithmic), range_(range), cells_(cells) {}

  std::size_t place(double value) const {
    const double share = is_logarithmic_ ? std::log(value / range_.low) / std::log(range_.high / range_.low)
                                         : (value - range_.low) / (range_.high - range_.low);
    return static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(cells_ - 1) + 0.5);
  }

  double at(double share) const {
    return is_logarithmic_ ? range_.low * std::pow(range_.high / range_.low, share)
                           : range_.low + share * (range_.high - range_.low);
  }

 private:
  bool is_logarithmic_;
  AxisRange range_;
  std::size_t cells_;
};

// A line fills each column that it crosses from where it enters to where it leaves.
void draw_line(Grid& grid, const Series& series, const Scale& x, const Scale& y) {
  const char sign = sign_of(series);
  for (std::size_t i = 0; i < series.points.size(); ++i) {
    const std::size_t column = x.place(series.points[i].x), row = y.place(series.points[i].y);
    grid.put(column, row, sign);
    if (i == 0) continue;
    const std::size_t last_column = x.place(series.points[i - 1].x), last_row = y.place(series.points[i - 1].y);
    const double steps = static_cast<double>(column - last_column);
    for (std::size_t between = last_column + 1; between < column; ++between) {
      const double share = static_cast<double>(between - last_column) / steps;
      const double at =
          static_cast<double>(last_row) + share * (static_cast<double>(row) - static_cast<double>(last_row));
      grid.put(between, static_cast<std::size_t>(at + 0.5), sign);
    }
    if (column == last_column) grid.put_column(column, last_row, row, sign);
  }
}

void draw(Grid& grid, const Series& series, const Scale& x, const Scale& y) {
  switch (series.drawn) {
    case Drawn::line:
    case Drawn::dashed:
      draw_line(grid, series, x, y);
      return;
    case Drawn::area:
    case Drawn::boxes:
      for (const Point& point : series.points) {
        if (!point.interval || point.interval->high <= point.interval->low) continue;
        grid.put_column(x.place(point.x), y.place(point.interval->low), y.place(point.interval->high), sign_of(series));
      }
      return;
    case Drawn::points:
    case Drawn::hollow_points:
    case Drawn::peak:
      for (const Point& point : series.points) grid.put(x.place(point.x), y.place(point.y), sign_of(series));
      return;
  }
}

// A letter of its own for each phase: the first of its name that is free.
std::map<std::string, char> phase_letters(const Panel& panel) {
  std::map<std::string, char> letters;
  std::string used;
  for (const std::string& name : phase_names(panel)) {
    const std::string wishes = name + "abcdefghijklmnopqrstuvwxyz0123456789";
    const std::size_t at =
        std::find_if(wishes.begin(), wishes.end(),
                     [&](char c) { return c > ' ' && c < '\x7f' && used.find(c) == std::string::npos; }) -
        wishes.begin();
    letters[name] = at < wishes.size() ? wishes[at] : '?';
    used += letters[name];
  }
  return letters;
}

std::string phase_row(const std::vector<PhaseSpan>& spans, const std::map<std::string, char>& letters, const Scale& x,
                      std::size_t width) {
  std::string row(width, ' ');
  for (const PhaseSpan& span : spans) {
    const std::size_t end = x.place(span.to);
    for (std::size_t column = x.place(span.from); column <= end; ++column) row[column] = letters.at(span.name);
  }
  return row;
}

std::string scale_line(const Panel& panel, const Scale& x, std::size_t width) {
  if (!panel.x.words.empty()) {
    return fmt::format("{}, from the left: {}", panel.x.title, fmt::join(panel.x.words, ", "));
  }
  const std::string left = number_text(x.at(0)), right = number_text(x.at(1));
  const std::string title = panel.x.title + (panel.x.is_logarithmic ? ", logarithmic" : "");
  const std::size_t used = left.size() + right.size() + display_width(title);
  const std::size_t gap = width > used + 2 ? width - used : 2;
  return left + std::string(gap / 2, ' ') + title + std::string(gap - gap / 2, ' ') + right;
}

std::string text_panel(const Panel& panel, std::size_t width, std::size_t height) {
  const std::size_t columns = std::max<std::size_t>(width, kScaleWidth + 22) - kScaleWidth - 2;
  const AxisRange x_range = range_of(panel.x, x_values(panel)), y_range = range_of(panel.y, y_values(panel));
  const Scale x(panel.x, x_range, columns), y(panel.y, y_range, height);
  Grid grid(columns, height);
  // What is measured stands on the lines that only help.
  for (const bool helps : {true, false}) {
    for (const Series& series : panel.series) {
      if ((series.drawn == Drawn::dashed) == helps) draw(grid, series, x, y);
    }
  }
  std::string text = fmt::format("{}{}\n", panel.title.empty() ? "" : escape_controls(panel.title) + "; ",
                                 escape_controls(panel.y.title));
  for (std::size_t i = 0; i < height; ++i) {
    const bool is_named = i % 5 == 0 || i + 1 == height;
    const double share = static_cast<double>(height - 1 - i) / static_cast<double>(height - 1);
    text += fmt::format("{:>{}} |{}\n", is_named ? number_text(y.at(share)) : "", kScaleWidth, grid.rows()[i]);
  }
  const std::string indent(kScaleWidth + 2, ' ');
  text += std::string(kScaleWidth, ' ') + " +" + std::string(columns, '-') + "\n";
  const std::map<std::string, char> letters = phase_letters(panel);
  for (const auto& spans : panel.phases) text += indent + phase_row(spans, letters, x, columns) + "\n";
  for (const std::string& line : wrap_words(escape_controls(scale_line(panel, x, columns)), columns)) {
    text += indent + line + "\n";
  }
  return text;
}

std::string legend_text(const Panel& panel, std::size_t width) {
  std::string text;
  for (const Series& series : panel.series) {
    if (!series.title.empty()) text += fmt::format("{} {}\n", sign_of(series), escape_controls(series.title));
  }
  std::string phases;
  for (const std::string& name : phase_names(panel)) {
    phases += fmt::format("{}{} {}", phases.empty() ? "phases: " : ", ", phase_letters(panel).at(name),
                          escape_controls(name));
  }
  for (const std::string& line : wrap_words(phases, width)) text += line.empty() ? "" : line + "\n";
  return text;
}

}  // namespace

std::string text_picture(const Picture& picture, std::size_t width) {
  std::string text = escape_controls(picture.title) + "\n";
  for (const Panel& panel : picture.panels) {
    text += "\n" + text_panel(panel, width, picture.panels.size() > 1 ? kHeightOfMany : kHeight);
  }
  text += "\n" + legend_text(picture.panels.front(), width);
  for (const std::string& note : picture.notes) {
    for (const std::string& line : wrap_words(note, width)) text += line + "\n";
  }
  return text;
}

}  // namespace memtrack
