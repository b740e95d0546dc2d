#include "tools/report/html_report.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "sweeps/event.h"
#include "tests/end_to_end/session.h"
#include "tests/text.h"
#include "tests/tools/recorded_sweep.h"
#include "tools/report/report.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

std::size_t count_of_parts(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

std::string tensors() {
  const std::vector<TensorMemory> held = {{.kind = "data", .layer = "", .bytes = 50 * kMiB, .peak_bytes = 50 * kMiB},
                                          {.kind = "parameters", .layer = "output", .bytes = kMiB, .peak_bytes = kMiB}};
  return encode_tensor_memory("train", held).at(0);
}

// Three trials with curves, phases, epochs and tensors, in a sweep of this name.
std::unique_ptr<RecordedSweep> told_sweep(const std::string& name = "small list") {
  std::string yaml = list_sweep();
  yaml.replace(yaml.find("small list"), 10, name);
  auto sweep = std::make_unique<RecordedSweep>(yaml);
  for (int i = 0; i < 3; ++i) {
    sweep->record({.used_mib = {1000 + i, 1020, 1010},
                   .test_accuracy = 0.9,
                   .events = {{0.05, encode_phase("load")}, {0.15, encode_phase("train")}, {0.2, tensors()}}});
  }
  return sweep;
}

std::string page_of(RecordedSweep& sweep) {
  Report report{
      .sweep = find_report_sweep(sweep.database(), ""), .figure = {.metric = find_report_metric("used")}, .rows = {}};
  for_each_report_row(sweep.database(), 1, report.figure, [&](const ReportRow& row) { report.rows.push_back(row); });
  return html_page(report, report_charts(sweep.database(), report));
}

}  // namespace

TEST_CASE("a page holds the table and the notes of the report and its three charts") {
  const auto sweep = told_sweep();
  const std::string page = page_of(*sweep);
  CHECK(page.starts_with("<!DOCTYPE html>"));
  CHECK(contains(page, "<th scope=\"col\" class=\"number\">learning<br>rate</th>"));
  CHECK(contains(page, "<td class=\"number\">0.7886</td>"));
  CHECK(contains(page, "285-389-423-173-61"));
  CHECK(contains(page, "total - free - buffers - cached"));
  for (const char* title : {"Memory against hyperparameters", "Memory over time", "Where the tensors go"}) {
    CHECK(contains(page, title));
  }
}

TEST_CASE("text of users ends no element and no script") {
  const auto sweep = told_sweep("\"</script><script>alert(1)</script><img src=x onerror=alert(2)> & 'x'\"");
  const std::string page = page_of(*sweep);
  CHECK(contains(page, "&lt;/script&gt;&lt;script&gt;alert(1)"));
  CHECK_FALSE(contains(page, "<img"));
  CHECK(count_of_parts(page, "<script") == 2);
  CHECK(count_of_parts(page, "</script>") == 2);
  CHECK(escape_html("<a href=\"x\">'&'</a>\n") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;\\n");
}

TEST_CASE("a page forbids the browser all networks and names none") {
  const auto sweep = told_sweep();
  const std::string page = page_of(*sweep);
  CHECK(contains(page, "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"));
  // The one address is the name of the SVG language, which nobody asks for.
  CHECK(count_of_parts(page, "http://") == 1);
  CHECK(contains(page, "'http://www.w3.org/2000/svg'"));
  for (const char* forbidden : {"https://", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "innerHTML"}) {
    CAPTURE(forbidden);
    CHECK_FALSE(contains(page, forbidden));
  }
}

TEST_CASE("a page of trials that tell nothing has its table and no charts") {
  RecordedSweep sweep(list_sweep());
  const std::string page = page_of(sweep);
  CHECK(contains(page, "queued"));
  CHECK(contains(page, "<script type=\"application/json\" id=\"data\">[]</script>"));
}

TEST_CASE("a page goes into a file that is new or replaced by force") {
  const auto sweep = told_sweep();
  const Session session;
  const std::string command = fmt::format("memtrack report --db {} --format html -o a.html", sweep->path().string());
  CHECK(session.run(command).exit_code == 0);
  const CommandResult again = session.run(command);
  CHECK(again.exit_code == 2);
  CHECK(contains(again.errors, "a.html exists; --force replaces it"));
  CHECK(session.run(command + " --force").exit_code == 0);
  const CommandResult other = session.run(fmt::format("memtrack report --db {} -o a.txt", sweep->path().string()));
  CHECK(other.exit_code == 2);
  CHECK(contains(other.errors, "--output goes with --format html"));
  CHECK(contains(session.output_of(fmt::format("memtrack report --db {} --format html", sweep->path().string())),
                 "</html>"));
}

namespace {

struct Opened {
  std::string document;              // as it is once its scripts have run
  std::string console;               // what was written there, and all else on standard error
  std::set<std::string> asked = {};  // hosts
};

// Any name leads nowhere; whom the browser asks for something is in its log.
Opened open_in_chromium(const Session& session, const std::string& file) {
  const CommandResult shown = session.run(
      "HOME=$PWD chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
      "--disable-background-networking --disable-component-update --disable-sync --disable-extensions "
      "--user-data-dir=$PWD/profile --host-resolver-rules='MAP * ~NOTFOUND' --log-net-log=$PWD/net.json "
      "--enable-logging=stderr --virtual-time-budget=3000 --dump-dom file://$PWD/" +
      file);
  INFO(shown.errors);
  REQUIRE(shown.exit_code == 0);
  Opened opened{.document = shown.output, .console = shown.errors};
  std::ifstream log(session.folder() / "net.json");
  const std::string net{std::istreambuf_iterator<char>(log), {}};
  REQUIRE(contains(net, "constants"));
  static const std::regex address(R"re("(?:https?|wss?)://([^/:" ]+))re");
  // The browser's own (its updates, its clock, its user), and where all names lead.
  static const std::regex own(R"re((.*\.)?(google|googleapis|gstatic)\.com|~notfound)re");
  for (std::sregex_iterator found(net.begin(), net.end(), address), end; found != end; ++found) {
    if (!std::regex_match((*found)[1].str(), own)) opened.asked.insert((*found)[1]);
  }
  return opened;
}

bool has_chromium(const Session& session) {
  const bool has = session.run("command -v chromium").exit_code == 0;
  if (!has) MESSAGE("not tested: there is no chromium here (tools/install-dependencies browser)");
  return has;
}

}  // namespace

TEST_CASE("a page opens in Chromium without an error and without a request to anybody") {
  const Session session;
  if (!has_chromium(session)) return;
  const auto sweep = told_sweep("\"<b>bold</b><img src=http://canary.invalid/a.png> & 'quoted'\"");
  session.output_of(fmt::format("memtrack report --db {} --format html -o a.html", sweep->path().string()));
  const Opened page = open_in_chromium(session, "a.html");
  CAPTURE(page.console);
  CHECK_FALSE(contains(page.console, "CONSOLE"));
  CHECK(page.asked.empty());
  // Drawn: a panel for each hyperparameter that varies, one for the time, one for the tensors.
  CHECK(count_of_parts(page.document, "<svg") >= 6);
  CHECK(contains(page.document, "memory against batch size"));
  CHECK(contains(page.document, "<path"));
  CHECK(contains(page.document, "<rect"));
  CHECK(contains(page.document, "&lt;b&gt;bold&lt;/b&gt;"));
}

TEST_CASE("a page that did err or ask somebody would be noticed") {
  const Session session;
  if (!has_chromium(session)) return;
  session.write_file("bad.html", "<img src=http://canary.invalid/a.png><script>nothing.is.here()</script>");
  const Opened page = open_in_chromium(session, "bad.html");
  CHECK(page.asked == std::set<std::string>{"canary.invalid"});
  CHECK(contains(page.console, "CONSOLE"));
}
