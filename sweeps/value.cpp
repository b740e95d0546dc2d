#include "sweeps/value.h"

#include <array>
#include <charconv>
#include <cmath>

namespace memtrack {
namespace {

// How the members of a list or dict are told apart in each notation.
struct Separators {
  std::string_view item;
  std::string_view key;
};

void append_hex(std::string& out, std::string_view prefix, unsigned number, int digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += prefix;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += kDigits[(number >> static_cast<unsigned>(shift)) & 0xFU];
  }
}

// The code point that begins at text[i], and moves i to its last byte. The text is UTF-8, checked when it was read.
unsigned code_point(std::string_view text, std::size_t& i) {
  const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
  const unsigned first = byte(i);
  const int more = first >= 0xF0U ? 3 : first >= 0xE0U ? 2 : first >= 0xC0U ? 1 : 0;
  unsigned point = more == 0 ? first : first & (0x3FU >> static_cast<unsigned>(more));
  for (int k = 0; k < more; ++k) {
    point = (point << 6U) | (byte(++i) & 0x3FU);
  }
  return point;
}

void append_utf16_escapes(std::string& out, unsigned point) {
  if (point >= 0x10000U) {
    append_hex(out, "\\u", 0xD800U + ((point - 0x10000U) >> 10U), 4);
    point = 0xDC00U + ((point - 0x10000U) & 0x3FFU);
  }
  append_hex(out, "\\u", point, 4);
}

std::string python_repr(const std::string& text) {
  const char quote = text.find('\'') != std::string::npos && text.find('"') == std::string::npos ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out.append("\\").append(1, c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20U || byte == 0x7FU) {
      append_hex(out, "\\x", byte, 2);
    } else {
      out += c;
    }
  }
  return out + quote;
}

// Inside a list or dict Python prints the repr of a string.
std::string python_inner(const ParameterValue& value) {
  const auto* text = std::get_if<std::string>(&value.data);
  return text != nullptr ? python_repr(*text) : python_str(value);
}

template <typename PrintItem>
std::string join_list(const ValueList& list, std::string_view separator, PrintItem print) {
  std::string out = "[";
  for (const ParameterValue& item : list) {
    out.append(out.size() > 1 ? separator : std::string_view()).append(print(item));
  }
  return out + "]";
}

template <typename PrintKey, typename PrintItem>
std::string join_dict(const ValueDict& dict, Separators separators, PrintKey print_key, PrintItem print) {
  std::string out = "{";
  for (const auto& [name, item] : dict) {
    out.append(out.size() > 1 ? separators.item : std::string_view()).append(print_key(name));
    out.append(separators.key).append(print(item));
  }
  return out + "}";
}

struct PythonPrinter {
  std::string operator()(std::monostate) const { return "None"; }
  std::string operator()(bool value) const { return value ? "True" : "False"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return python_float(value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const ValueList& list) const { return join_list(list, ", ", python_inner); }
  std::string operator()(const ValueDict& dict) const {
    return join_dict(dict, {", ", ": "}, python_repr, python_inner);
  }
};

struct JsonPrinter {
  JsonStyle style;
  std::string operator()(std::monostate) const { return "null"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const {
    if (!std::isfinite(value)) {
      const std::string_view bare = std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
      return style == JsonStyle::python ? std::string(bare) : "\"" + python_float(value) + "\"";
    }
    std::string text = python_float(value);
    if (const std::size_t e = text.find('e'); style == JsonStyle::yaml && e < text.find('.')) {
      text.insert(std::min(e, text.size()), e == std::string::npos ? "" : ".0");
    }
    return text;
  }
  std::string operator()(const std::string& value) const { return json_string(value, style); }
  std::string operator()(const ValueList& list) const {
    return join_list(list, separators().item, [this](const ParameterValue& item) { return to_json(item, style); });
  }
  std::string operator()(const ValueDict& dict) const {
    return join_dict(
        dict, separators(), [this](const std::string& name) { return json_string(name, style); },
        [this](const ParameterValue& item) { return to_json(item, style); });
  }
  // YAML 1.1 wants a space after the colon.
  Separators separators() const { return style == JsonStyle::compact ? Separators{",", ":"} : Separators{", ", ": "}; }
};

}  // namespace

std::string python_float(double number) {
  if (std::isnan(number)) {
    return "nan";
  }
  if (std::isinf(number)) {
    return number > 0 ? "inf" : "-inf";
  }
  std::array<char, 64> buffer{};
  char* const begin = buffer.data();
  const auto scientific = std::to_chars(begin, begin + buffer.size(), number, std::chars_format::scientific);
  std::string text(begin, scientific.ptr);
  int exponent = 0;
  const std::size_t e = text.find('e');
  const std::size_t digits = e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(text.data() + digits, text.data() + text.size(), exponent);
  if (exponent < -4 || exponent >= 16) {
    return text;
  }
  const auto fixed = std::to_chars(begin, begin + buffer.size(), number, std::chars_format::fixed);
  std::string plain(begin, fixed.ptr);
  return plain.find('.') == std::string::npos ? plain + ".0" : plain;
}

std::string python_str(const ParameterValue& value) {
  return std::visit(PythonPrinter(), value.data);
}

std::string to_json(const ParameterValue& value, JsonStyle style) {
  return std::visit(JsonPrinter{style}, value.data);
}

std::string json_string(std::string_view text, JsonStyle style) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t begin = i;
    const unsigned point = code_point(text, i);
    if (point == '"' || point == '\\') {
      out.append("\\").append(1, text[i]);
    } else if (point == '\n') {
      out += "\\n";
    } else if (point == '\r') {
      out += "\\r";
    } else if (point == '\t') {
      out += "\\t";
    } else if (point < 0x20U || point == 0x7FU || (point > 0x7FU && style == JsonStyle::python)) {
      append_utf16_escapes(out, point);
    } else {
      out += text.substr(begin, i - begin + 1);
    }
  }
  return out + "\"";
}

}  // namespace memtrack
