#include "tools/text_table.h"

#include <algorithm>
#include <numeric>

#include "tools/text.h"

namespace memtrack {
namespace {

constexpr std::size_t kGap = 2;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin));
  }
  lines.push_back(text.substr(begin));
  return lines;
}

std::size_t title_width(const TextColumn& column) {
  std::size_t width = 0;
  for (const std::string& line : lines_of(column.title)) {
    width = std::max(width, display_width(line));
  }
  return width;
}

std::vector<std::size_t> natural_widths(const TextTable& table) {
  std::vector<std::size_t> widths;
  for (const TextColumn& column : table.columns) {
    widths.push_back(title_width(column));
  }
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  }
  return widths;
}

using Columns = std::vector<std::size_t>;  // indices, in order

std::size_t total_width(const Columns& columns, const std::vector<std::size_t>& widths) {
  std::size_t total = columns.empty() ? 0 : kGap * (columns.size() - 1);
  for (const std::size_t column : columns) {
    total += widths[column];
  }
  return total;
}

// Fills blocks from the left, with the widths of folded columns.
std::vector<Columns> split_into_blocks(const TextTable& table, const std::vector<std::size_t>& least,
                                       std::size_t width) {
  Columns keys;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].is_key) {
      keys.push_back(i);
    }
  }
  std::vector<Columns> blocks = {keys};
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].is_key) {
      continue;
    }
    Columns wider = blocks.back();
    wider.push_back(i);
    if (blocks.back().size() == keys.size() || total_width(wider, least) <= width) {
      blocks.back() = wider;
    } else {
      Columns next = keys;
      next.push_back(i);
      blocks.push_back(next);
    }
  }
  return blocks;
}

// Gives what is left of `width` back to the folded columns of a block, first come first served.
std::vector<std::size_t> widths_in_block(const Columns& block, const std::vector<std::size_t>& least,
                                         const std::vector<std::size_t>& natural, std::size_t width) {
  std::vector<std::size_t> widths = least;
  for (const std::size_t column : block) {
    const std::size_t used = total_width(block, widths);
    const std::size_t spare = width > used ? width - used : 0;
    widths[column] += std::min(spare, natural[column] - least[column]);
  }
  return widths;
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, display_width(text)), ' ');
  return right ? blanks + text : text + blanks;
}

void append_line(std::string& result, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  result += line + '\n';
}

// One row of cells of several lines each; heads stand at the bottom of their row, values at its top.
void append_cells(std::string& result, const TextTable& table, const Columns& block,
                  const std::vector<std::size_t>& widths, const std::vector<std::vector<std::string>>& cells,
                  bool at_bottom) {
  std::size_t height = 0;
  for (const auto& cell : cells) {
    height = std::max(height, cell.size());
  }
  for (std::size_t y = 0; y < height; ++y) {
    std::string line;
    for (std::size_t i = 0; i < block.size(); ++i) {
      const auto& cell = cells[i];
      const std::size_t skipped = at_bottom ? height - cell.size() : 0;
      const bool empty = y < skipped || y - skipped >= cell.size();
      line += (i == 0 ? "" : std::string(kGap, ' ')) +
              padded(empty ? "" : cell[y - skipped], widths[block[i]], table.columns[block[i]].is_number);
    }
    append_line(result, line);
  }
}

std::string render_block(const TextTable& table, const Columns& block, const std::vector<std::size_t>& widths) {
  std::string result;
  std::vector<std::vector<std::string>> cells;
  std::string rule;
  for (const std::size_t column : block) {
    cells.push_back(lines_of(table.columns[column].title));
    rule += (rule.empty() ? "" : std::string(kGap, ' ')) + std::string(widths[column], '-');
  }
  append_cells(result, table, block, widths, cells, true);
  append_line(result, rule);
  for (const auto& row : table.rows) {
    cells.clear();
    for (const std::size_t column : block) {
      cells.push_back(fold_to_width(row[column], widths[column]));
    }
    append_cells(result, table, block, widths, cells, false);
  }
  return result;
}

}  // namespace

std::string render_text(const TextTable& table, std::size_t width) {
  const std::vector<std::size_t> natural = natural_widths(table);
  Columns all(table.columns.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  if (width == 0 || total_width(all, natural) <= width) {
    return render_block(table, all, natural);
  }
  std::vector<std::size_t> least = natural;
  for (std::size_t i = 0; i < least.size(); ++i) {
    if (const auto& fold_to = table.columns[i].fold_to) {
      least[i] = std::min(least[i], std::max(*fold_to, title_width(table.columns[i])));
    }
  }
  std::string result;
  for (const Columns& block : split_into_blocks(table, least, width)) {
    result += (result.empty() ? "" : "\n") + render_block(table, block, widths_in_block(block, least, natural, width));
  }
  return result;
}

std::string render_markdown(const TextTable& table) {
  std::string result = "|";
  std::string rule = "|";
  for (const TextColumn& column : table.columns) {
    std::string title = column.title;
    std::replace(title.begin(), title.end(), '\n', ' ');
    result += " " + escape_markdown(title) + " |";
    rule += column.is_number ? " ---: |" : " --- |";
  }
  result += "\n" + rule + "\n";
  for (const auto& row : table.rows) {
    result += "|";
    for (const std::string& cell : row) {
      result += " " + escape_markdown(cell) + " |";
    }
    result += "\n";
  }
  return result;
}

std::string escape_markdown(std::string_view text) {
  std::string result;
  while (true) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    for (const char c : escape_controls(line.substr(0, line.ends_with('\r') ? end - 1 : end))) {
      if (c == '|' || c == '\\') result += '\\';
      result += c == '<' ? std::string("&lt;") : std::string(1, c);
    }
    if (end == text.size()) return result;
    result += "<br>";
    text.remove_prefix(end + 1);
  }
}

}  // namespace memtrack
