#include "sweeps/document_text.h"

namespace memtrack {
namespace {

constexpr std::size_t kMostBytes = std::size_t{64} * 1024 * 1024;

// Length of the UTF-8 character at text[at], 0 where there is none: no overlong forms, surrogates, or beyond U+10FFFF.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t k) {
    return at + k < text.size() ? static_cast<unsigned>(static_cast<unsigned char>(text[at + k])) : 0U;
  };
  const auto continues = [&](std::size_t k) { return (byte(k) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80U) {
    return 1;
  }
  if (first >= 0xC2U && first <= 0xDFU && continues(1)) {
    return 2;
  }
  if (first >= 0xE0U && first <= 0xEFU && continues(1) && continues(2)) {
    const bool overlong = first == 0xE0U && byte(1) < 0xA0U;
    const bool surrogate = first == 0xEDU && byte(1) >= 0xA0U;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0U && first <= 0xF4U && continues(1) && continues(2) && continues(3)) {
    const bool overlong = first == 0xF0U && byte(1) < 0x90U;
    const bool beyond = first == 0xF4U && byte(1) >= 0x90U;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

// "---" or "..." at the start of a line, alone or before a space.
bool is_marker(std::string_view line, std::string_view marker) {
  return line.starts_with(marker) && (line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r');
}

bool has_content(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t\r");
  return first != std::string_view::npos && line[first] != '#' && line.front() != '%';
}

}  // namespace

std::optional<TextFault> find_fault(std::string_view text) {
  if (text.size() > kMostBytes) {
    return TextFault{.what = "the file has " + std::to_string(text.size()) + " bytes, and may have " +
                             std::to_string(kMostBytes) + "; split it"};
  }
  TextFault fault;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const std::size_t length = utf8_length(text, at);
    if (length == 0) {
      fault.what = "this byte is not UTF-8; save the file as UTF-8";
      return fault;
    }
    if ((static_cast<unsigned char>(c) < 0x20U && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
      fault.what = "a control character stands here, which YAML does not allow";
      return fault;
    }
    fault.column = c == '\n' ? 1 : fault.column + 1;
    fault.line += c == '\n' ? 1 : 0;
    at += length;
  }
  return std::nullopt;
}

std::vector<DocumentText> split_documents(std::string_view text) {
  std::vector<DocumentText> parts;
  std::size_t begin = 0;
  int first_line = 0;
  bool content = false;
  const auto close = [&](std::size_t end, int next_line) {
    if (content) {
      parts.push_back({text.substr(begin, end - begin), first_line});
      begin = end;
      first_line = next_line;
      content = false;
    }
  };
  int line_number = 0;
  for (std::size_t at = 0; at < text.size(); ++line_number) {
    const std::size_t newline = text.find('\n', at);
    const std::size_t end = newline == std::string_view::npos ? text.size() : newline + 1;
    const std::string_view line = text.substr(at, (newline == std::string_view::npos ? end : newline) - at);
    if (is_marker(line, "---")) {
      close(at, line_number);
      content = has_content(line.substr(3));
    } else if (is_marker(line, "...")) {
      close(end, line_number + 1);
    } else {
      content = content || has_content(line);
    }
    at = end;
  }
  close(text.size(), line_number);
  return parts;
}

}  // namespace memtrack
