// Whatever stands in a file of /proc or /sys/fs/cgroup, the parsers return, and say nothing absurd.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>

#include "tests/collector/captured_text.h"
#include "tests/collector/sane_figures.h"

using namespace memtrack::testing;

namespace {

constexpr int kRounds = 400;  // of each text
// Every parser over any text: what was written for another is only one more kind of nonsense.
void check_all_parsers(const std::string& text) {
  CAPTURE(text);
  CHECK(absurd_parser(text) == "");
}

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::string mutate(std::string text) {
    for (std::size_t changes = 1 + below(6); changes > 0; --changes) {
      change(text);
    }
    return text;
  }

 private:
  static constexpr std::array kNumbers = {"-1",
                                          "0",
                                          "9223372036854775807",
                                          "-9223372036854775808",
                                          "18446744073709551615",
                                          "9007199254740992",
                                          "99999999999999999999999999",
                                          "1e9",
                                          "0x10",
                                          "",
                                          "4294967296",
                                          "2147483648"};

  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    switch (below(6)) {
      case 0:
        if (at < text.size()) {
          text[at] = static_cast<char>(below(256));
        }
        break;
      case 1:
        text.erase(at, below(40));
        break;
      case 2:
        text.insert(at, text.substr(below(text.size() + 1), below(80)));
        break;
      case 3:
        text.insert(at, 1, " \t\n:()-\0k9"[below(10)]);
        break;
      default:
        replace_number(text, at);
    }
  }

  void replace_number(std::string& text, std::size_t at) {
    const std::size_t begin = text.find_first_of("0123456789", at);
    if (begin != std::string::npos) {
      const std::size_t end = std::min(text.find_first_not_of("0123456789", begin), text.size());
      text.replace(begin, end - begin, kNumbers[below(kNumbers.size())]);
    }
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("a text that is cut off anywhere is parsed to nothing absurd") {
  for (const std::string& text : captured_texts()) {
    for (std::size_t length = 0; length <= text.size(); ++length) {
      check_all_parsers(text.substr(0, length));
    }
  }
}

TEST_CASE("texts changed at random are parsed to nothing absurd") {
  Mutator mutator(20'260'101);
  for (const std::string& text : captured_texts()) {
    for (int round = 0; round < kRounds; ++round) {
      check_all_parsers(mutator.mutate(text));
    }
  }
}

TEST_CASE("noise is parsed to nothing absurd") {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string noise(random() % 600, '\0');
    std::generate(noise.begin(), noise.end(), [&] { return static_cast<char>(random() % 256); });
    check_all_parsers(noise);
  }
}
