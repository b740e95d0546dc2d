#pragma once

// Rows of a query, as they come, to standard output: nothing is kept but what a table needs to find its widths.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/query.h"

namespace memtrack {

enum class RowFormat { table, markdown, csv, json, jsonl };

// "table", "markdown", "csv", "json". Throws UsageError naming these.
RowFormat parse_row_format(std::string_view text);

// RFC 4180, lines ending in LF as Unix tools expect: quoted where it holds a comma, a quote or a line break. NULL is
// an empty field, an empty text is "".
std::string csv_field(const Value& value);
std::string csv_line(const std::vector<Value>& row);

// JSON has no word for infinities: they are the strings "inf" and "-inf". Bytes that are no UTF-8 become U+FFFD.
std::string json_value(const Value& value);

// One cell for people: NULL is NULL, control characters are escaped.
std::string text_cell(const Value& value);

class RowWriter {
 public:
  using Sink = std::function<void(std::string_view)>;

  virtual ~RowWriter() = default;
  virtual void columns(const std::vector<std::string>& names) = 0;
  virtual void row(const std::vector<Value>& values) = 0;
  virtual void finish() = 0;  // what is still kept, and the end of the format
  // Something to say to people once, beside the rows; empty: nothing.
  virtual std::string note() const { return ""; }
};

// A table finds its widths in the first 1000 rows and streams from there; cells beyond 64 columns are cut where there
// is more than one column. csv, json (an array, an object a row), jsonl (an object a line) and markdown stream from the
// first row.
std::unique_ptr<RowWriter> make_row_writer(RowFormat format, RowWriter::Sink sink);

}  // namespace memtrack
