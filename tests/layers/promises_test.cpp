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

// The last cells of the tables behind the first heading of a promise, head and rule left out.
std::vector<std::string> named_tests() {
  std::string text = read_file(kSource / "docs/architecture.md");
  text.erase(0, text.find("## Promises and their tests"));
  std::vector<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| ") && !line.starts_with("| ---") && !line.ends_with("| test |")) {
      const std::vector<std::string> cells = split(line.substr(2, line.size() - 4), " | ");
      for (const std::string& name : split(cells.back(), "; ")) {
        names.push_back(name);
      }
    }
  }
  return names;
}

}  // namespace

TEST_CASE("each promise in the documentation names tests that are there") {
  const std::string tests = all_tests();
  const std::vector<std::string> names = named_tests();
  CHECK(names.size() > 30);
  for (const std::string& name : names) {
    INFO(name);
    if (!name.starts_with("**faults**: ")) {
      CHECK(tests.find("TEST_CASE(\"" + name + "\")") != std::string::npos);
      continue;
    }
    for (const std::string& check : split(name.substr(name.find('`')), ", ")) {
      CHECK(tests.find("def " + check.substr(1, check.size() - 2) + "(place, faults)") != std::string::npos);
    }
  }
}
