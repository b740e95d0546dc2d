#include "tools/text_table.h"

#include <doctest/doctest.h>

#include <sstream>

#include "tools/text.h"

using namespace memtrack;

namespace {

TextTable paper_table() {
  return {.columns = {{.title = "#", .is_number = true, .is_key = true},
                      {.title = "learning\nrate", .is_number = true},
                      {.title = "hidden layers", .fold_to = 8},
                      {.title = "state"}},
          .rows = {{"1", "0.7886", "285-389-423-173-61", "done"}, {"12", "0.00042", "80-60", "failed"}}};
}

std::size_t widest_line(const std::string& text) {
  std::istringstream stream(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(stream, line);) {
    widest = std::max(widest, display_width(line));
  }
  return widest;
}

}  // namespace

TEST_CASE("numbers stand flush right, words flush left, under a ruled head") {
  CHECK(render_text(paper_table(), 0) ==
        "    learning\n"
        " #      rate  hidden layers       state\n"
        "--  --------  ------------------  ------\n"
        " 1    0.7886  285-389-423-173-61  done\n"
        "12   0.00042  80-60               failed\n");
}

TEST_CASE("a table that is too wide is folded inside its cells") {
  CHECK(render_text(paper_table(), 36) ==
        "    learning\n"
        " #      rate  hidden layers   state\n"
        "--  --------  --------------  ------\n"
        " 1    0.7886  285-389-423-    done\n"
        "              173-61\n"
        "12   0.00042  80-60           failed\n");
}

TEST_CASE("what is still too wide is split into blocks that repeat the key") {
  const std::string text = render_text(paper_table(), 30);
  CHECK(text ==
        "    learning\n"
        " #      rate  hidden layers\n"
        "--  --------  ----------------\n"
        " 1    0.7886  285-389-423-173-\n"
        "              61\n"
        "12   0.00042  80-60\n"
        "\n"
        " #  state\n"
        "--  ------\n"
        " 1  done\n"
        "12  failed\n");
  CHECK(widest_line(text) <= 30);
}

TEST_CASE("wide characters keep the columns in line") {
  const TextTable table = {.columns = {{.title = "name"}, {.title = "n", .is_number = true}},
                           .rows = {{"日本", "1"}, {"ab", "22"}}};
  CHECK(render_text(table, 0) ==
        "name   n\n"
        "----  --\n"
        "日本   1\n"
        "ab    22\n");
}

TEST_CASE("in Markdown, bars and line breaks do not end a cell") {
  const TextTable table = {.columns = {{.title = "a\nb"}, {.title = "n", .is_number = true}},
                           .rows = {{"x|y\nz", "1"}}};
  CHECK(render_markdown(table) == "| a b | n |\n| --- | ---: |\n| x\\|y<br>z | 1 |\n");
  CHECK(escape_markdown("\\|") == "\\\\\\|");
}
