#include "tools/plot/text_chart.h"

#include <doctest/doctest.h>

#include <sstream>

#include "tools/text.h"

using namespace memtrack;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Picture one_curve() {
  Panel panel{.x = {.title = "time (s)"},
              .y = {.title = "memory (MiB)"},
              .series = {{.title = "trial 1", .points = {{.x = 0, .y = 0}, {.x = 5, .y = 100}, {.x = 10, .y = 100}}}},
              .phases = {{{0, 5, "start"}, {5, 10, "step"}}}};
  return {.title = "a trial", .panels = {panel}};
}

}  // namespace

TEST_CASE("a curve in letters rises where the values rise and names its axes and phases") {
  const std::string text = text_picture(one_curve(), 60);
  const std::vector<std::string> lines = lines_of(text);
  CAPTURE(text);
  CHECK(lines.at(0) == "a trial");
  CHECK(lines.at(2) == "memory (MiB)");
  // 16 lines of the chart follow: the curve stands high at the right, low at the left.
  std::size_t first_of_high = std::string::npos, first_of_low = std::string::npos;
  for (std::size_t i = 3; i < 19; ++i) {
    const std::size_t at = lines[i].find('*');
    if (at == std::string::npos) continue;
    if (first_of_high == std::string::npos) first_of_high = at;
    first_of_low = at;
  }
  CHECK(first_of_high > 30);
  CHECK(first_of_low == 12);
  CHECK(text.find("phases: s start, t step") != std::string::npos);
  CHECK(text.find("* trial 1") != std::string::npos);
  for (const std::string& line : lines) CHECK(display_width(line) <= 60);
}

TEST_CASE("control characters of names do not reach the terminal") {
  Picture picture = one_curve();
  picture.title = "red \x1b[31m";
  picture.panels[0].series[0].title = "two\nlines";
  picture.panels[0].phases[0][0].name = "\x07";
  const std::string text = text_picture(picture, 60);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\x07') == std::string::npos);
  CHECK(text.find("two\\nlines") != std::string::npos);
}

TEST_CASE("one point alone has a picture in letters too") {
  Picture picture = one_curve();
  picture.panels[0].series[0].points = {{.x = 3, .y = 42}};
  picture.panels[0].phases.clear();
  CHECK(text_picture(picture, 20).find('*') != std::string::npos);
}
