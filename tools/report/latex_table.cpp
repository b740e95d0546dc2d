#include "tools/report/latex_table.h"

#include <array>
#include <utility>

namespace memtrack {
namespace {

// The longer first where one begins with another.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kEscapes = {{
    {"\\", "\\textbackslash{}"},
    {"{", "\\{"},
    {"}", "\\}"},
    {"&", "\\&"},
    {"%", "\\%"},
    {"$", "\\$"},
    {"#", "\\#"},
    {"_", "\\_"},
    {"~", "\\textasciitilde{}"},
    {"^", "\\textasciicircum{}"},
    {">=", "$\\geq$"},
    {"<", "$<$"},
    {">", "$>$"},
    {"±", "$\\pm$"},
}};

// A head of several lines is a table in its cell.
std::string title_of(const TextColumn& column) {
  std::string title = escape_latex(column.title);
  if (title.find('\n') == std::string::npos) return title;
  for (std::size_t at = 0; (at = title.find('\n', at)) != std::string::npos; at += 4) title.replace(at, 1, " \\\\ ");
  return std::string("\\begin{tabular}[b]{@{}") + (column.is_number ? "r" : "l") + "@{}}" + title + "\\end{tabular}";
}

}  // namespace

std::string escape_latex(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    bool found = false;
    for (const auto& [plain, escaped] : kEscapes) {
      if (text.starts_with(plain)) {
        result += escaped;
        text.remove_prefix(plain.size());
        found = true;
        break;
      }
    }
    if (!found) {
      result += text.front();
      text.remove_prefix(1);
    }
  }
  return result;
}

std::string render_latex(const TextTable& table) {
  std::string alignment, head;
  for (const TextColumn& column : table.columns) {
    alignment += column.is_number ? 'r' : 'l';
    head += (head.empty() ? "" : " & ") + title_of(column);
  }
  std::string result = "\\begin{tabular}{" + alignment + "}\n\\hline\n" + head + " \\\\\n\\hline\n";
  for (const auto& row : table.rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += (i == 0 ? "" : " & ") + escape_latex(row[i]);
    // Behind the end of a row LaTeX takes '[' for a height, and '*' for a word about page breaks.
    const bool is_taken = line.starts_with('[') || line.starts_with('*');
    result += (is_taken ? "{}" : "") + line + " \\\\\n";
  }
  return result + "\\hline\n\\end{tabular}\n";
}

}  // namespace memtrack
