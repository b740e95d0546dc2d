#include "tools/row_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "tools/exit_codes.h"
#include "tools/text.h"
#include "tools/text_table.h"

namespace memtrack {
namespace {

constexpr std::size_t kRowsForWidths = 1000;
constexpr std::size_t kWidestCell = 64;

std::string json_string(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_number(const Value& value) {
  return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
}

class CsvWriter : public RowWriter {
 public:
  explicit CsvWriter(Sink sink) : sink_(std::move(sink)) {}
  void columns(const std::vector<std::string>& names) override { row({names.begin(), names.end()}); }
  void row(const std::vector<Value>& values) override { sink_(csv_line(values)); }
  void finish() override {}

 private:
  Sink sink_;
};

// One object a row: {"a":1,"b":null}
class ObjectWriter {
 public:
  void columns(const std::vector<std::string>& names) {
    std::map<std::string, int> seen;
    for (const std::string& name : names) {
      const int earlier = seen[name]++;  // an object holds a name once: the second "x" is "x:1"
      names_.push_back(json_string(earlier == 0 ? name : fmt::format("{}:{}", name, earlier)));
    }
  }
  std::string object(const std::vector<Value>& values) const {
    std::string text = "{";
    for (std::size_t i = 0; i < values.size(); ++i) {
      text += (i == 0 ? "" : ",") + names_[i] + ":" + json_value(values[i]);
    }
    return text + "}";
  }

 private:
  std::vector<std::string> names_;
};

// [
// {"a":1,"b":null},
// {"a":2,"b":"x"}
// ]
class JsonWriter : public RowWriter {
 public:
  explicit JsonWriter(Sink sink) : sink_(std::move(sink)) {}
  void columns(const std::vector<std::string>& names) override { objects_.columns(names); }
  void row(const std::vector<Value>& values) override {
    sink_((first_ ? "[\n" : ",\n") + objects_.object(values));
    first_ = false;
  }
  void finish() override { sink_(first_ ? "[]\n" : "\n]\n"); }

 private:
  Sink sink_;
  ObjectWriter objects_;
  bool first_ = true;
};

class JsonLinesWriter : public RowWriter {
 public:
  explicit JsonLinesWriter(Sink sink) : sink_(std::move(sink)) {}
  void columns(const std::vector<std::string>& names) override { objects_.columns(names); }
  void row(const std::vector<Value>& values) override { sink_(objects_.object(values) + "\n"); }
  void finish() override {}

 private:
  Sink sink_;
  ObjectWriter objects_;
};

class MarkdownWriter : public RowWriter {
 public:
  explicit MarkdownWriter(Sink sink) : sink_(std::move(sink)) {}

  void columns(const std::vector<std::string>& names) override {
    std::string line = "|";
    std::string rule = "|";
    for (const std::string& name : names) {
      line += " " + escape_markdown(name) + " |";
      rule += " --- |";
    }
    sink_(line + "\n" + rule + "\n");
  }
  void row(const std::vector<Value>& values) override {
    std::string line = "|";
    for (const Value& value : values) {
      const auto* text = std::get_if<std::string>(&value);
      line += " " + (text != nullptr ? escape_markdown(*text) : text_cell(value)) + " |";
    }
    sink_(line + "\n");
  }
  void finish() override {}

 private:
  Sink sink_;
};

class TableWriter : public RowWriter {
 public:
  explicit TableWriter(Sink sink) : sink_(std::move(sink)) {}

  void columns(const std::vector<std::string>& names) override {
    for (const std::string& name : names) {
      names_.push_back(escape_controls(name));
      widths_.push_back(display_width(names_.back()));
    }
    numeric_.assign(names.size(), true);
  }

  void row(const std::vector<Value>& values) override {
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < values.size(); ++i) {
      cells.push_back(cell(values[i]));
      if (!streaming_) {
        widths_[i] = std::max(widths_[i], display_width(cells.back()));
        numeric_[i] = numeric_[i] && (is_number(values[i]) || std::holds_alternative<std::monostate>(values[i]));
      }
    }
    ++count_;
    if (streaming_) {
      sink_(line(cells));
      return;
    }
    kept_.push_back(std::move(cells));
    if (kept_.size() == kRowsForWidths) {
      stream_kept();
    }
  }

  void finish() override {
    stream_kept();
    sink_(count_ == 0 ? "(no rows)\n" : "");
  }

  std::string note() const override {
    return truncated_ ? "Long cells are cut; --format csv or json shows them whole." : "";
  }

 private:
  std::string cell(const Value& value) {
    std::string text = text_cell(value);
    if (names_.size() > 1 && display_width(text) > kWidestCell) {
      truncated_ = true;
      return truncate_to_width(text, kWidestCell);
    }
    return text;
  }

  std::string line(const std::vector<std::string>& cells) const {
    std::string result;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string blanks(widths_[i] - std::min(widths_[i], display_width(cells[i])), ' ');
      result += (i == 0 ? "" : "  ") + (numeric_[i] ? blanks + cells[i] : cells[i] + blanks);
    }
    result.erase(result.find_last_not_of(' ') + 1);
    return result + "\n";
  }

  void stream_kept() {
    if (streaming_) {
      return;
    }
    streaming_ = true;
    std::vector<std::string> rule;
    for (const std::size_t width : widths_) {
      rule.emplace_back(width, '-');
    }
    sink_(line(names_) + line(rule));
    for (const auto& cells : kept_) {
      sink_(line(cells));
    }
    kept_.clear();
  }

  Sink sink_;
  std::vector<std::string> names_;
  std::vector<std::size_t> widths_;
  std::vector<bool> numeric_;
  std::vector<std::vector<std::string>> kept_;
  std::int64_t count_ = 0;
  bool streaming_ = false;
  bool truncated_ = false;
};

}  // namespace

RowFormat parse_row_format(std::string_view text) {
  static const std::map<std::string_view, RowFormat> kFormats = {{"table", RowFormat::table},
                                                                 {"markdown", RowFormat::markdown},
                                                                 {"csv", RowFormat::csv},
                                                                 {"json", RowFormat::json}};
  const auto found = kFormats.find(text);
  if (found == kFormats.end()) {
    throw UsageError(fmt::format("--format is '{}', and would have to be table, markdown, csv or json", text));
  }
  return found->second;
}

std::string csv_field(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return std::to_string(*whole);
  }
  if (const auto* real = std::get_if<double>(&value)) {
    return format_real(*real);
  }
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) {
    return "";
  }
  if (!text->empty() && text->find_first_of(",\"\r\n") == std::string::npos) {
    return *text;
  }
  std::string quoted = "\"";
  for (const char c : *text) {
    quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  }
  return quoted + "\"";
}

std::string csv_line(const std::vector<Value>& row) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    line += (i == 0 ? "" : ",") + csv_field(row[i]);
  }
  return line + "\n";
}

std::string json_value(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return std::to_string(*whole);
  }
  if (const auto* real = std::get_if<double>(&value)) {
    return std::isfinite(*real) ? format_real(*real) : json_string(format_real(*real));
  }
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr ? "null" : json_string(*text);
}

std::string text_cell(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return std::to_string(*whole);
  }
  if (const auto* real = std::get_if<double>(&value)) {
    return format_real(*real);
  }
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr ? "NULL" : escape_controls(*text);
}

std::unique_ptr<RowWriter> make_row_writer(RowFormat format, RowWriter::Sink sink) {
  switch (format) {
    case RowFormat::csv:
      return std::make_unique<CsvWriter>(std::move(sink));
    case RowFormat::json:
      return std::make_unique<JsonWriter>(std::move(sink));
    case RowFormat::jsonl:
      return std::make_unique<JsonLinesWriter>(std::move(sink));
    case RowFormat::markdown:
      return std::make_unique<MarkdownWriter>(std::move(sink));
    case RowFormat::table:
      break;
  }
  return std::make_unique<TableWriter>(std::move(sink));
}

}  // namespace memtrack
