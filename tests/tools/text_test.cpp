#include "tools/text.h"

#include <doctest/doctest.h>

#include <limits>

using namespace memtrack;

TEST_CASE("width is counted in columns of a terminal, not in bytes") {
  const struct {
    const char* text;
    std::size_t width;
  } cases[] = {{"", 0},     {"abc", 3},      {"é", 1},     {"e\xCC\x81", 1}, {"日本", 4},
               {"🙂", 2}, {"\xff\xfe", 2}, {"a\xC3", 2}, {"…", 1}};
  for (const auto& c : cases) {
    CAPTURE(c.text);
    CHECK(display_width(c.text) == c.width);
  }
}

TEST_CASE("a text is cut between characters, and the cut is shown") {
  CHECK(truncate_to_width("abc", 3) == "abc");
  CHECK(truncate_to_width("abcd", 3) == "ab…");
  CHECK(truncate_to_width("äöüß", 3) == "äö…");
  CHECK(truncate_to_width("日本語", 4) == "日…");  // the second would need columns 3 and 4
  CHECK(truncate_to_width("日本語", 6) == "日本語");
  CHECK(truncate_to_width("abc", 1) == "…");
  CHECK(truncate_to_width("abc", 0) == "");
}

TEST_CASE("a cell is folded after hyphens, commas and blanks, else where it must be") {
  using Lines = std::vector<std::string>;
  CHECK(fold_to_width("", 5) == Lines{""});
  CHECK(fold_to_width("12345", 5) == Lines{"12345"});
  CHECK(fold_to_width("285-389-423-173", 8) == Lines{"285-389-", "423-173"});
  CHECK(fold_to_width("one two three", 7) == Lines{"one two", "three"});
  CHECK(fold_to_width("abcdefgh", 3) == Lines{"abc", "def", "gh"});
  CHECK(fold_to_width("日本語", 3) == Lines{"日", "本", "語"});
}

TEST_CASE("no text moves the cursor or breaks a line") {
  CHECK(escape_controls("plain äöü 日本") == "plain äöü 日本");
  CHECK(escape_controls("a\nb\tc\rd") == "a\\nb\\tc\\rd");
  CHECK(escape_controls("\x1b[31mred") == "\\x1b[31mred");
  CHECK(escape_controls("\xff\xC3") == "\\xff\\xc3");
  CHECK(escape_controls("\xC2\x9B") == "\\xc2\\x9b");  // a control character of two bytes
  CHECK(escape_controls("\xC0\xAF") == "\\xc0\\xaf");  // over-long
}

TEST_CASE("what is no UTF-8 is seen") {
  for (const char* good : {"", "abc", "äöü", "日本", "🙂"}) {
    CHECK(is_utf8(good));
  }
  for (const char* bad : {"\xff", "a\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("figures read as people write them") {
  CHECK(format_mib(1048576.0) == "1.00");
  CHECK(format_mib(2638539161.6) == "2516.31");
  CHECK(format_real(3) == "3.0");
  CHECK(format_real(0.00042) == "0.00042");
  CHECK(format_real(1e-5) == "1e-05");
  CHECK(format_real(0.1 + 0.2) == "0.30000000000000004");
  CHECK(format_real(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(format_real(-std::numeric_limits<double>::infinity()) == "-inf");
  CHECK(format_seconds(0.042) == "0.04 s");
  CHECK(format_seconds(12.34) == "12.3 s");
  CHECK(format_seconds(75.2) == "1m15s");
  CHECK(format_seconds(4000) == "1h06m");
  CHECK(format_seconds(200000) == "2d07h");
  CHECK(count_of(1, "trial") == "1 trial");
  CHECK(count_of(0, "trial") == "0 trials");
}

TEST_CASE("words are quoted for a shell only where they must be") {
  CHECK(shell_word("/tmp/memtrack.db") == "/tmp/memtrack.db");
  CHECK(shell_word("my runs") == "'my runs'");
  CHECK(shell_word("it's") == "'it'\\''s'");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("$HOME") == "'$HOME'");
}

TEST_CASE("words are wrapped at blanks alone, and a word that is too wide stays whole") {
  CHECK(wrap_words("", 10) == std::vector<std::string>{""});
  CHECK(wrap_words("one two three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(wrap_words("see --interval now", 8) == std::vector<std::string>{"see", "--interval", "now"});
  CHECK(wrap_words("/a/very/long/path is there", 5) == std::vector<std::string>{"/a/very/long/path", "is", "there"});
}
