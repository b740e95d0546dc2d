// memtrack plot as a user calls it.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "sweeps/event.h"
#include "tests/end_to_end/session.h"
#include "tests/text.h"
#include "tests/tools/recorded_sweep.h"

using namespace memtrack;
using namespace memtrack::testing;
namespace fs = std::filesystem;

namespace {

class PlotSession {
 public:
  explicit PlotSession(const std::string& yaml = list_sweep()) : sweep_(yaml) {
    for (int i = 0; i < 3; ++i) {
      sweep_.record({.used_mib = {1000 + i, 1010, 1020},
                     .tree_rss_mib = 100 + i,
                     .peak_source = "kernel",
                     .events = {{0.05, encode_phase("load")}, {0.15, encode_phase("train")}}});
    }
  }

  CommandResult run(const std::string& arguments) const {
    return session_.run(fmt::format("HOME=$PWD memtrack {} --db {}", arguments, sweep_.path().string()));
  }
  CommandResult run_without_gnuplot(const std::string& arguments) const {
    session_.write_file("empty/none", "");
    return session_.run(fmt::format("tool=$(command -v memtrack); PATH=$PWD/empty; $tool {} --db {}", arguments,
                                    sweep_.path().string()));
  }
  bool has_gnuplot() const {
    const bool has = session_.run("command -v gnuplot").exit_code == 0;
    if (!has) MESSAGE("not tested: there is no gnuplot here");
    return has;
  }
  std::string text_of(const std::string& name) const {
    std::ifstream file(session_.folder() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  const Session& session() const { return session_; }

 private:
  RecordedSweep sweep_;
  Session session_;
};

}  // namespace

TEST_CASE("a plot without a file comes to the terminal as text and needs no gnuplot") {
  const PlotSession plot;
  for (const char* what : {"time trial:1", "time 'small list'", "panels", "panels --metric used --each"}) {
    CAPTURE(what);
    const CommandResult result = plot.run_without_gnuplot(fmt::format("plot {}", what));
    CHECK(result.exit_code == 0);
    CHECK(result.errors == "");
    CHECK(contains(result.output, " |"));
    CHECK(contains(result.output, "MiB"));
  }
  CHECK(contains(plot.run("plot time trial:1").output, "phases: l load, t train"));
}

TEST_CASE("without gnuplot a file is refused with the way to get it and none is left") {
  const PlotSession plot;
  const CommandResult result = plot.run_without_gnuplot("plot time trial:1 -o a.svg");
  CHECK(result.exit_code == 1);
  CHECK(contains(result.errors, "apt install gnuplot-nox"));
  CHECK(contains(result.errors, "Without --output"));
  CHECK_FALSE(fs::exists(plot.session().folder() / "a.svg"));
}

TEST_CASE("a plot is drawn into the file that is named and an existing one is replaced only by force") {
  const PlotSession plot;
  if (!plot.has_gnuplot()) return;
  CHECK(plot.run("plot time trial:1 -o a.svg").exit_code == 0);
  const std::string svg = plot.text_of("a.svg");
  CHECK(contains(svg, "train"));
  CHECK(contains(svg, "tree_rss (MiB)"));
  const CommandResult again = plot.run("plot panels -o a.svg");
  CHECK(again.exit_code == 2);
  CHECK(contains(again.errors, "a.svg exists; --force replaces it"));
  CHECK(plot.text_of("a.svg") == svg);
  CHECK(plot.run("plot panels -o a.svg --force").exit_code == 0);
  CHECK(contains(plot.text_of("a.svg"), "memory against batch size"));
  CHECK(plot.run("plot panels --reported --memory-right -o b.pdf").exit_code == 0);
  CHECK(plot.text_of("b.pdf").starts_with("%PDF"));
  CHECK(plot.run("plot time -o c.png").exit_code == 0);
  CHECK(plot.text_of("c.png").starts_with("\x89PNG"));
}

TEST_CASE("a picture reads no settings of the user's and runs nothing that a sweep's name says") {
  std::string yaml = list_sweep();
  yaml.replace(yaml.find("small list"), 10, "\"'; system 'touch named'; `touch named` $(touch named)\"");
  const PlotSession plot(yaml);
  if (!plot.has_gnuplot()) return;
  plot.session().write_file(".gnuplot", "system 'touch settings'\n");
  CHECK(plot.run("plot time -o a.svg").exit_code == 0);
  CHECK(plot.run("plot panels -o b.svg").exit_code == 0);
  CHECK(contains(plot.text_of("a.svg"), "touch named"));
  CHECK_FALSE(fs::exists(plot.session().folder() / "named"));
  CHECK_FALSE(fs::exists(plot.session().folder() / "settings"));
}

TEST_CASE("bad input gets one sentence and leaves no file") {
  const PlotSession plot;
  struct Case {
    const char* arguments;
    const char* says;
  };
  for (const Case& bad : {Case{"plot time -o a.gif", "would have to end in .svg, .png or .pdf"},
                          Case{"plot time trial:77 -o a.svg", "there is no trial 77"},
                          Case{"plot time nothing -o a.svg", "has the id or name 'nothing'"},
                          Case{"plot time --metric tree_rs -o a.svg", "did you mean 'tree_rss'?"},
                          Case{"plot time --metric tree_swap -o a.svg", "no sample of it holds tree_swap_bytes"},
                          Case{"plot panels --against batchsize -o a.svg", "did you mean 'batch_size'?"},
                          Case{"plot panels --phase tain -o a.svg", "--phase is 'tain'"},
                          Case{"plot tensors -o a.svg", "told nothing of its tensors"},
                          Case{"plot time -o no/a.svg", "there is no folder no"}, Case{"plot", "subcommand"}}) {
    CAPTURE(bad.arguments);
    const CommandResult result = plot.run(bad.arguments);
    CAPTURE(result.errors);
    CHECK(result.exit_code == 2);
    CHECK(contains(result.errors, bad.says));
    CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
    CHECK_FALSE(fs::exists(plot.session().folder() / "a.svg"));
  }
}
