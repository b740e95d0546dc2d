#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace memtrack {

// What makes a text unfit to be YAML before it is parsed: it is too long, not UTF-8, or holds control characters.
struct TextFault {
  int line = 1;
  int column = 1;
  std::string what;
};
std::optional<TextFault> find_fault(std::string_view text);

// One document of a YAML stream, as it stands in the file: with its "---" line and the comments before it.
struct DocumentText {
  std::string_view text;
  int first_line = 0;  // from 0
};

// Splits at lines that begin with "---" or "...", which YAML allows nowhere else. Parts without content are joined to
// the next one.
std::vector<DocumentText> split_documents(std::string_view text);

}  // namespace memtrack
