#include "tools/report/html_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/text.h"

namespace memtrack {
namespace {

using nlohmann::ordered_json;

// "learning\nrate" -> "learning<br>rate"
std::string title_html(const std::string& title) {
  std::string html;
  std::size_t at = 0;
  for (std::size_t end = 0; end != std::string::npos; at = end + 1) {
    end = title.find('\n', at);
    html += (html.empty() ? "" : "<br>") + escape_html(title.substr(at, end == std::string::npos ? end : end - at));
    if (end == std::string::npos) break;
  }
  return html;
}

std::string table_html(const TextTable& table) {
  const auto cell_class = [&](std::size_t i) { return table.columns[i].is_number ? " class=\"number\"" : ""; };
  std::string html = "<div class=\"wide\"><table>\n<thead><tr>";
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    html += fmt::format("<th scope=\"col\"{}>{}</th>", cell_class(i), title_html(table.columns[i].title));
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      html += fmt::format("<td{}>{}</td>", cell_class(i), escape_html(row[i]));
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

// JSON that ends no script element and no comment, whatever is in it.
std::string script_json(const ordered_json& json) {
  std::string text;
  for (const char c : json.dump(-1, ' ', false, ordered_json::error_handler_t::replace)) {
    if (c == '<' || c == '>' || c == '&') {
      text += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      text += c;
    }
  }
  return text;
}

// Nothing from anywhere; what stands in the page itself may run.
constexpr const char* kHead =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src "
    "'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n";

}  // namespace

std::string escape_html(std::string_view text) {
  std::string html;
  for (const char c : escape_controls(text)) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string html_page(const Report& report, const ordered_json& charts) {
  const std::string head = report_head(report);
  std::string page = kHead;
  page += fmt::format("<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
                      escape_html(report.sweep.name), kPageStyle);
  page += fmt::format("<h1>{}</h1>\n", escape_html(report.sweep.name));
  for (std::size_t at = 0; at < head.size();) {
    const std::size_t end = head.find('\n', at);
    page += fmt::format("<p>{}</p>\n", escape_html(head.substr(at, end - at)));
    at = end + 1;
  }
  for (const TextTable& table : report_tables(report)) page += table_html(table);
  page += "<section class=\"notes\">\n";
  for (const std::string& note : report_notes(report)) page += fmt::format("<p>{}</p>\n", escape_html(note));
  page += "</section>\n<div id=\"charts\"><noscript><p>The charts are drawn by JavaScript.</p></noscript></div>\n";
  page += fmt::format("</main>\n<script type=\"application/json\" id=\"data\">{}</script>\n<script>\n{}</script>\n",
                      script_json(charts), kPageScript);
  return page + "</body>\n</html>\n";
}

}  // namespace memtrack
