#include "tools/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace memtrack {
namespace {

constexpr std::size_t kBarWidth = 20;

struct Character {
  std::string_view bytes;
  char32_t code = 0;
  bool valid = true;  // false: one byte that is no UTF-8
};

// The character that starts at `text`'s beginning, which must not be empty.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    return {text.substr(0, 1), lead, true};
  }
  const std::size_t length = lead >= 0xF0 && lead <= 0xF4  ? 4
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                                                           : 0;
  if (length == 0 || text.size() < length) {
    return {text.substr(0, 1), 0, false};
  }
  char32_t code = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) {
      return {text.substr(0, 1), 0, false};
    }
    code = (code << 6) | (byte(i) & 0x3Fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
    return {text.substr(0, 1), 0, false};
  }
  return {text.substr(0, length), code, true};
}

struct Range {
  char32_t first, last;
};

// Unicode 15: marks that stand on the character before them, and those of no width.
constexpr std::array kZeroWidth = std::to_array<Range>({{0x0300, 0x036F},
                                                        {0x0483, 0x0489},
                                                        {0x0591, 0x05BD},
                                                        {0x0610, 0x061A},
                                                        {0x064B, 0x065F},
                                                        {0x0900, 0x0902},
                                                        {0x1AB0, 0x1AFF},
                                                        {0x1DC0, 0x1DFF},
                                                        {0x200B, 0x200F},
                                                        {0x20D0, 0x20FF},
                                                        {0xFE00, 0xFE0F},
                                                        {0xFE20, 0xFE2F}});

// East Asian wide and full width, and emoji.
constexpr std::array kDoubleWidth = std::to_array<Range>({{0x1100, 0x115F},
                                                          {0x2E80, 0x303E},
                                                          {0x3041, 0x33FF},
                                                          {0x3400, 0x4DBF},
                                                          {0x4E00, 0x9FFF},
                                                          {0xA000, 0xA4CF},
                                                          {0xAC00, 0xD7A3},
                                                          {0xF900, 0xFAFF},
                                                          {0xFE30, 0xFE4F},
                                                          {0xFF00, 0xFF60},
                                                          {0xFFE0, 0xFFE6},
                                                          {0x1F300, 0x1F64F},
                                                          {0x1F680, 0x1F6FF},
                                                          {0x1F900, 0x1F9FF},
                                                          {0x20000, 0x3FFFD}});

template <typename Ranges>
bool is_in(const Ranges& ranges, char32_t code) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [code](const Range& range) { return code >= range.first && code <= range.last; });
}

std::size_t width_of(const Character& character) {
  if (!character.valid || character.code < 0x300) {
    return 1;
  }
  return is_in(kZeroWidth, character.code) ? 0 : is_in(kDoubleWidth, character.code) ? 2 : 1;
}

// How many bytes of `text` fit into `width` columns.
std::size_t prefix_bytes(std::string_view text, std::size_t width) {
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const Character character = first_character(text.substr(bytes));
    const std::size_t needed = width_of(character);
    if (needed > width) {
      break;
    }
    width -= needed;
    bytes += character.bytes.size();
  }
  return bytes;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    width += width_of(character);
    text.remove_prefix(character.bytes.size());
  }
  return width;
}

std::string truncate_to_width(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) {
    return std::string(text);
  }
  return width == 0 ? "" : std::string(text.substr(0, prefix_bytes(text, width - 1))) + "…";
}

std::vector<std::string> fold_to_width(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  width = std::max<std::size_t>(width, 2);  // the widest character
  while (display_width(text) > width) {
    const std::size_t fitting = prefix_bytes(text, width);
    const std::size_t separator = text.substr(0, fitting).find_last_of("-, ");
    const bool at_blank = text[fitting] == ' ' || separator == std::string_view::npos;
    const std::size_t cut = at_blank ? fitting : separator + 1;
    std::string_view line = text.substr(0, cut);
    while (!line.empty() && line.back() == ' ') {
      line.remove_suffix(1);
    }
    lines.emplace_back(line);
    text.remove_prefix(std::min(text.find_first_not_of(' ', cut), text.size()));
  }
  lines.emplace_back(text);
  return lines;
}

std::vector<std::string> wrap_words(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!lines.back().empty() && display_width(lines.back()) + 1 + display_width(word) > width) {
      lines.emplace_back();
    }
    lines.back().append(lines.back().empty() ? "" : " ").append(word);
  }
  return lines;
}

std::string escape_controls(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    text.remove_prefix(character.bytes.size());
    const bool control = character.code < 0x20 || (character.code >= 0x7F && character.code < 0xA0);
    if (character.valid && !control) {
      result += character.bytes;
    } else if (character.valid && (character.code == '\n' || character.code == '\t' || character.code == '\r')) {
      result += character.code == '\n' ? "\\n" : character.code == '\t' ? "\\t" : "\\r";
    } else {
      for (const char byte : character.bytes) {
        result += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
      }
    }
  }
  return result;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Character character = first_character(text);
    if (!character.valid) {
      return false;
    }
    text.remove_prefix(character.bytes.size());
  }
  return true;
}

std::string format_mib(double bytes) {
  return fmt::format("{:.2f}", bytes / (1024.0 * 1024.0));
}

std::string format_real(double value) {
  std::string text = fmt::format("{}", value);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) {
    text += ".0";
  }
  return text;
}

std::string progress_bar(double share) {
  const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * kBarWidth);
  return "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '-') + "]";
}

std::string format_seconds(double seconds) {
  if (seconds < 60) {
    return fmt::format("{:.{}f} s", seconds, seconds < 10 ? 2 : 1);
  }
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 3600) {
    return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  }
  if (whole < 48 * 3600) {
    return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  }
  return fmt::format("{}d{:02}h", whole / 86400, whole / 3600 % 24);
}

std::string repeat_text(std::int64_t repeat, bool is_warmup) {
  return is_warmup ? ", warm-up" : repeat > 1 ? fmt::format(", repeat {}", repeat) : "";
}

std::string count_of(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string shell_word(std::string_view word) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("%+,-./:=@_").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) {
    return std::string(word);
  }
  std::string quoted = "'";
  for (const char c : word) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return quoted + "'";
}

}  // namespace memtrack
