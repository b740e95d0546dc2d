// docs/architecture.md says for each promise which test holds it: those tests are there.

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

// What users may rely on. Who takes a promise back does it here too, and knowingly.
const std::vector<std::string> kPromises = {
    "While the database can be written, a sample is committed within max(interval, 1 s)",
    "A commit survives a power cut: WAL, `synchronous=FULL`",
    "What was committed is there after kill -9 of anything",
    "While it is locked, samples wait in memory",
    "While the disk is full, samples wait in memory",
    "While it is read-only, samples wait in memory",
    "Beyond 64 MiB, 32 of them for samples, the oldest detail is thinned",
    "What was thinned is recorded",
    "Transactions are filled from memory: all of a batch or nothing",
    "No transaction is left open between ticks",
    "kill -9 of any process, at any time, leaves no trial stuck",
    "A daemon ends as it was told to, and no other way",
    "What is paused begins nothing",
    "No trial runs twice, but as a retry with a row of its own",
    "Nothing of an old process tree lives",
    "Nothing is counted twice: running totals are the samples' sums",
    "`PRAGMA integrity_check` passes",
    "A sweep is accepted whole or not at all",
    "Killing the daemon harms no training",
    "Killing a collector ends its trial as `lost`",
    "A missing /proc file harms nothing: the figure is NULL",
    "A slow event reader harms nothing",
    "Whoever may use the socket is the daemon's user or root",
    "The socket is in a folder of mode 0700, and ours alone",
    "Bad input gets one clear sentence and a non-zero exit, and changes nothing",
    "disk full while a trial runs",
    "disk full when a trial is to start",
    "disk full for the daemon",
    "read-only file system while a trial runs",
    "read-only file system when the daemon is to start",
    "no process can be made",
    "no descriptors left",
    "the runtime folder of a login session is gone",
    "database locked by somebody else when the daemon is to start",
    "database locked by somebody else",
    "database damaged, foreign or newer",
    "database on a network",
    "a trial prints gigabytes",
    "the clock is set",
};

const fs::path kSource = MEMTRACK_SOURCE_DIR;

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string all_tests() {
  std::string text;
  for (const auto& entry : fs::recursive_directory_iterator(kSource / "tests")) {
    const fs::path& path = entry.path();
    if (path.extension() == ".cpp" || path.extension() == ".py") {
      text += read_file(path);
    }
  }
  return text;
}

// "a; b" -> "a", "b"
std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + separator.size();
  }
  return parts;
}

struct Promise {
  std::string text;                // the first cell
  std::vector<std::string> tests;  // the last one
};

// The rows of the tables behind the first heading of a promise, head and rule left out.
std::vector<Promise> documented_promises() {
  std::string text = read_file(kSource / "docs/architecture.md");
  text.erase(0, text.find("## Promises and their tests"));
  std::vector<Promise> promises;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| ") && !line.starts_with("| ---") && !line.ends_with("| test |")) {
      const std::vector<std::string> cells = split(line.substr(2, line.size() - 4), " | ");
      promises.push_back({.text = cells.front(), .tests = split(cells.back(), "; ")});
    }
  }
  return promises;
}

void check_is_there(const std::string& name, const std::string& tests) {
  CAPTURE(name);
  if (!name.starts_with("**faults**: ")) {
    CHECK(tests.find("TEST_CASE(\"" + name + "\")") != std::string::npos);
    return;
  }
  for (const std::string& check : split(name.substr(name.find('`')), ", ")) {
    CHECK(tests.find("def " + check.substr(1, check.size() - 2) + "(place, faults)") != std::string::npos);
  }
}

}  // namespace

TEST_CASE("the documentation makes each promise, and no other than are known here") {
  std::vector<std::string> found;
  for (const Promise& promise : documented_promises()) {
    found.push_back(promise.text);
  }
  for (const std::string& promise : kPromises) {
    CAPTURE(promise);
    CHECK(std::count(found.begin(), found.end(), promise) == 1);
  }
  for (const std::string& promise : found) {
    CAPTURE(promise);
    CHECK(std::count(kPromises.begin(), kPromises.end(), promise) == 1);
  }
}

TEST_CASE("each promise in the documentation names tests that are there") {
  const std::string tests = all_tests();
  for (const Promise& promise : documented_promises()) {
    CAPTURE(promise.text);
    for (const std::string& name : promise.tests) {
      check_is_there(name, tests);
    }
  }
}
