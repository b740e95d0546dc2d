// Arrows point down only: a folder may use the folders that design allows it and no other. Held against the includes of
// every source and against the symbols and shared libraries of what was built.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace fs = std::filesystem;

namespace {

// docs/architecture.md, "Folders".
const std::map<std::string, std::set<std::string>> kMayUse = {
    {"sweeps", {}},
    {"datasets", {}},
    {"storage", {"sweeps"}},
    {"trainer", {"sweeps", "datasets"}},
    {"collector", {"sweeps", "storage"}},
    {"daemon", {"sweeps", "storage"}},
    {"tools", {"sweeps", "datasets", "storage", "collector", "daemon"}},
};

const fs::path kSource = MEMTRACK_SOURCE_DIR;
const fs::path kBuild = MEMTRACK_BUILD_DIR;

bool is_source(const fs::path& path) {
  return path.extension() == ".h" || path.extension() == ".cpp";
}

// The benchmarks hold us against bare programs.
bool is_peer(const fs::path& path) {
  return path.parent_path() == kSource / "tools/bench";
}

std::set<std::string> lines_of_command(const std::string& command) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  REQUIRE(pipe);
  std::string output;
  std::array<char, 65536> buffer{};
  while (const std::size_t count = fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    output.append(buffer.data(), count);
  }
  std::set<std::string> lines;
  std::istringstream stream(output);
  for (std::string line; std::getline(stream, line);) {
    lines.insert(line);
  }
  return lines;
}

// Function names of a static library: those that it defines for others, or those that it lacks.
std::set<std::string> symbols(const std::string& folder, const std::string& which) {
  return lines_of_command(fmt::format("nm --format=just-symbols {} {} 2>/dev/null", which,
                                      (kBuild / folder / fmt::format("libmemtrack_{}.a", folder)).string()));
}

// Strong functions only: a template or an inline function is in every library that uses it.
std::set<std::string> strong_definitions(const std::string& folder) {
  std::set<std::string> result;
  const std::regex strong("[0-9a-f]+ T (.*)");
  for (const std::string& line : lines_of_command(
           fmt::format("nm {} 2>/dev/null", (kBuild / folder / fmt::format("libmemtrack_{}.a", folder)).string()))) {
    if (std::smatch match; std::regex_match(line, match, strong)) {
      result.insert(match[1]);
    }
  }
  return result;
}

bool is_built(const std::string& folder) {
  return fs::exists(kBuild / folder / fmt::format("libmemtrack_{}.a", folder));
}

bool has(const std::set<std::string>& libraries, const std::string& part) {
  return std::any_of(libraries.begin(), libraries.end(),
                     [&](const std::string& name) { return name.find(part) != std::string::npos; });
}

std::set<std::string> needed_libraries(const fs::path& program) {
  std::set<std::string> result;
  const std::regex needed(R"(.*\(NEEDED\).*\[(.*?)\.so.*\].*)");
  for (const std::string& line : lines_of_command("readelf -d " + program.string())) {
    if (std::smatch match; std::regex_match(line, match, needed)) {
      result.insert(match[1]);
    }
  }
  return result;
}

}  // namespace

TEST_CASE("a folder includes only the folders that it may use") {
  const std::regex include(R"re(\s*#include "([a-z_]+)/.*)re");
  int checked = 0;
  for (const auto& [folder, allowed] : kMayUse) {
    for (const auto& entry : fs::recursive_directory_iterator(kSource / folder)) {
      if (!is_source(entry.path())) {
        continue;
      }
      ++checked;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        std::smatch match;
        if (std::regex_match(line, match, include) && match[1] != folder) {
          CAPTURE(entry.path().string());
          CAPTURE(line);
          CHECK(allowed.contains(match[1]));
        }
      }
    }
  }
  CHECK(checked > 40);
}

TEST_CASE("only storage/ includes SQLite, only trainer/ includes LibTorch, only datasets/ includes libcurl") {
  const std::map<std::string, std::regex> reserved = {{"storage", std::regex(R"(\s*#include <(SQLiteCpp|sqlite3).*)")},
                                                      {"datasets", std::regex(R"(\s*#include <curl/.*)")},
                                                      {"trainer", std::regex(R"(\s*#include <(torch|ATen|c10).*)")}};
  for (const auto& [folder, unused] : kMayUse) {
    for (const auto& entry : fs::recursive_directory_iterator(kSource / folder)) {
      if (!is_source(entry.path()) || is_peer(entry.path())) {
        continue;
      }
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        for (const auto& [owner, pattern] : reserved) {
          CAPTURE(entry.path().string());
          CHECK((owner == folder || !std::regex_match(line, pattern)));
        }
      }
    }
  }
}

TEST_CASE("a library calls only the libraries that its folder may use") {
  for (const auto& [folder, allowed] : kMayUse) {
    if (!is_built(folder)) {
      continue;
    }
    const std::set<std::string> undefined = symbols(folder, "--undefined-only");
    REQUIRE_FALSE(undefined.empty());
    for (const auto& [other, unused] : kMayUse) {
      if (other == folder || allowed.contains(other) || !is_built(other)) {
        continue;
      }
      for (const std::string& symbol : strong_definitions(other)) {
        CAPTURE(folder);
        CAPTURE(other);
        CAPTURE(symbol);
        CHECK_FALSE(undefined.contains(symbol));
      }
    }
  }
}

TEST_CASE("LibTorch is linked by the trainer's own part alone, SQLite by all but the trainer") {
  for (const char* program : {"bin/memtrack", "bin/memtrackd", "libexec/memtrack/memtrack-collector"}) {
    CAPTURE(program);
    const auto libraries = needed_libraries(kBuild / program);
    CHECK(has(libraries, "sqlite3"));
    CHECK_FALSE(has(libraries, "torch"));
  }
  if (is_built("trainer")) {
    CHECK(has(needed_libraries(kBuild / "libexec/memtrack/memtrack-training.so"), "torch"));
    for (const char* part : {"memtrack-trainer", "memtrack-training.so"}) {
      CAPTURE(part);
      const auto libraries = needed_libraries(kBuild / "libexec/memtrack" / part);
      CHECK_FALSE(libraries.empty());
      CHECK_FALSE(has(libraries, "sqlite"));
      CHECK_FALSE(has(libraries, "boost"));
    }
  }
}

TEST_CASE("libcurl is linked by the command line alone") {
  CHECK(has(needed_libraries(kBuild / "bin/memtrack"), "curl"));
  for (const char* program : {"bin/memtrackd", "libexec/memtrack/memtrack-collector",
                              "libexec/memtrack/memtrack-trainer", "libexec/memtrack/memtrack-training.so"}) {
    if (fs::exists(kBuild / program)) {
      CAPTURE(program);
      CHECK_FALSE(has(needed_libraries(kBuild / program), "curl"));
    }
  }
}
