#include "tools/plot/gnuplot.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/temporary_directory.h"
#include "tests/text.h"
#include "tools/child_process.h"
#include "tools/exit_codes.h"

using namespace memtrack;
using memtrack::testing::contains;
namespace fs = std::filesystem;

namespace {

Picture picture_named(const std::string& name) {
  Panel panel{.title = name,
              .x = {.title = name, .words = {name, "b"}},
              .y = {.title = name},
              .series = {{.title = name, .drawn = Drawn::points, .points = {{.x = 0, .y = 1}, {.x = 1, .y = 2}}}},
              .phases = {{{0, 1, name}}},
              .marks_title = name,
              .marks = {{0.5, name}}};
  return {.title = name, .panels = {panel}, .notes = {name}};
}

bool has_gnuplot() {
  const bool has = run_to_end("gnuplot", {"--version"}, "").has_value();
  if (!has) MESSAGE("not tested: there is no gnuplot here");
  return has;
}

}  // namespace

TEST_CASE("what a file is called says how it is drawn") {
  CHECK(picture_format("a.svg") == PictureFormat::svg);
  CHECK(picture_format("a.b.PNG") == PictureFormat::png);
  CHECK(picture_format("/x/a.pdf") == PictureFormat::pdf);
  CHECK_THROWS_WITH_AS(picture_format("a.jpg"),
                       "a.jpg would have to end in .svg, .png or .pdf, which says how it is drawn", UsageError);
  CHECK_THROWS_AS(picture_format("svg"), UsageError);
}

TEST_CASE("the same picture gives the same script") {
  CHECK(gnuplot_script(picture_named("a"), PictureFormat::svg) ==
        gnuplot_script(picture_named("a"), PictureFormat::svg));
}

TEST_CASE("names end no quotes in the script and are formats of nothing") {
  const std::string script = gnuplot_script(picture_named("it's 5% \n"), PictureFormat::svg);
  CHECK(contains(script, R"('it’s 5% \n')"));
  CHECK(contains(script, R"('it’s 5%% \n' 0)"));  // of ticks
  // gnuplot takes a doubled quote at the beginning for the end.
  const std::string plain = gnuplot_script(picture_named("abcd"), PictureFormat::svg);
  const std::string quotes = gnuplot_script(picture_named("''''"), PictureFormat::svg);
  CHECK(std::count(quotes.begin(), quotes.end(), '\'') == std::count(plain.begin(), plain.end(), '\''));
}

TEST_CASE("a name that looks like a command is drawn and not run") {
  if (!has_gnuplot()) return;
  const testing::TemporaryDirectory folder;
  const std::string file = folder / "made";
  for (const std::string& command :
       {"system \"touch " + file + "\"", "`touch " + file + "`", "$(touch " + file + ")"}) {
    for (const char* quotes : {"", "'; ", "''; ", "\"; ", "\\'; ", "\n", "%'; "}) {
      const std::string picture =
          draw_picture(picture_named(std::string(quotes) + command + quotes), PictureFormat::svg);
      CHECK(contains(picture, "</svg>"));
      CHECK(contains(picture, "touch"));
    }
  }
  CHECK_FALSE(fs::exists(file));
}

TEST_CASE("each format holds what its name says") {
  if (!has_gnuplot()) return;
  const Picture picture = picture_named("memory of a trial");
  CHECK(contains(draw_picture(picture, PictureFormat::svg), "memory of a trial"));
  CHECK(draw_picture(picture, PictureFormat::png).starts_with("\x89PNG"));
  CHECK(draw_picture(picture, PictureFormat::pdf).starts_with("%PDF"));
}

TEST_CASE("all that a panel may hold is drawn: without a complaint of gnuplot's") {
  if (!has_gnuplot()) return;
  Panel panel{.x = {.title = "x"}, .y = {.title = "y"}, .phases = {{{0, 1, "a"}}, {{0.5, 2, "b"}}}, .has_strips = true};
  std::size_t colour = 0;
  for (const Drawn drawn :
       {Drawn::line, Drawn::dashed, Drawn::points, Drawn::hollow_points, Drawn::peak, Drawn::area, Drawn::boxes}) {
    panel.series.push_back({"", drawn, colour++, {{1, 2, Interval{1, 3}}, {2, 4, Interval{3, 5}}}});
  }
  Panel turned{.x = {.title = "x", .words = {"one", "two", "three"}},
               .y = {.title = "y"},
               .series = {{"bars", Drawn::points, 9, {{0, 5, Interval{4, 7}}, {2, -5, Interval{-7, -4}}}}},
               .is_turned = true};
  Panel logarithmic{.x = {.title = "rate", .is_logarithmic = true},
                    .y = {.title = "y"},
                    .series = {{"", Drawn::points, 0, {{1e-4, 5}, {0.3, 6}}}, {"nothing", Drawn::points, 1, {}}}};
  for (const PictureFormat format : {PictureFormat::svg, PictureFormat::png, PictureFormat::pdf}) {
    const auto answer =
        run_to_end("gnuplot", {"-d"}, gnuplot_script({.title = "all", .panels = {panel, turned, logarithmic}}, format));
    REQUIRE(answer);
    CHECK(answer->exit_code == 0);
    CHECK(answer->errors == "");
  }
}

TEST_CASE("a program that is not there is told from one that fails") {
  CHECK_FALSE(run_to_end("memtrack-no-such-program", {}, ""));
  const auto failed = run_to_end("sh", {"-c", "cat; echo no >&2; exit 3"}, "words");
  REQUIRE(failed);
  CHECK(failed->exit_code == 3);
  CHECK(failed->output == "words");
  CHECK(failed->errors == "no\n");
}
