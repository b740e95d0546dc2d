#pragma once

// A table as people read it: columns side by side, two blanks between them. What is too wide for the terminal is folded
// inside its cells first, then split into blocks of columns, each beginning with the key columns:
//
//    #  learning  hidden
//           rate  layers
//   --  --------  ----------
//    1    0.0005  141-191-
//                 150-84

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace memtrack {

struct TextColumn {
  std::string title;                        // '\n' begins a new line of the head
  bool is_number = false;                   // flushed right
  bool is_key = false;                      // repeated in each block
  std::optional<std::size_t> fold_to = {};  // may be narrowed down to this width by folding
};

struct TextTable {
  std::vector<TextColumn> columns;
  std::vector<std::vector<std::string>> rows;  // each as long as `columns`
};

// Lines that end with '\n'. `width`: columns that the reader has; 0: no limit.
std::string render_text(const TextTable& table, std::size_t width);

// GitHub's Markdown; titles on one line, nothing folded.
std::string render_markdown(const TextTable& table);

// "a|b" -> "a\|b", "<" -> "&lt;", line breaks -> "<br>", other control characters as escape_controls() has them.
std::string escape_markdown(std::string_view text);

}  // namespace memtrack
