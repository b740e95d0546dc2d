#include "sweeps/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <stdexcept>
#include <string_view>

namespace memtrack {
namespace {

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 9> kTrue = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"};
constexpr std::array<std::string_view, 9> kFalse = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 3> kInfinity = {".inf", ".Inf", ".INF"};
constexpr std::array<std::string_view, 3> kNan = {".nan", ".NaN", ".NAN"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// The base of a whole number, and its digits without prefix; 0 where the text is none.
int base_of(std::string_view& digits) {
  const auto rest_is = [&](std::size_t prefix, auto is_of_base) {
    return digits.size() > prefix &&
           std::all_of(digits.begin() + static_cast<std::ptrdiff_t>(prefix), digits.end(), is_of_base);
  };
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  const auto is_binary = [](char c) { return c == '0' || c == '1'; };
  std::size_t prefix = 0;
  int base = 0;
  if (digits.starts_with("0x") && rest_is(2, is_hex)) {
    prefix = 2;
    base = 16;
  } else if (digits.starts_with("0b") && rest_is(2, is_binary)) {
    prefix = 2;
    base = 2;
  } else if (digits.starts_with("0o") && rest_is(2, is_octal)) {
    prefix = 2;
    base = 8;
  } else if (digits.starts_with('0') && rest_is(1, is_octal)) {
    prefix = 1;
    base = 8;
  } else if (digits == "0" || (all_digits(digits) && digits.front() != '0')) {
    base = 10;
  }
  digits.remove_prefix(prefix);
  return base;
}

std::optional<std::int64_t> whole_number(std::string_view unsigned_text, bool negative) {
  std::string_view digits = unsigned_text;
  const int base = base_of(digits);
  if (base == 0) {
    return std::nullopt;
  }
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  const std::uint64_t most = std::uint64_t{1} << 63U;
  if (error != std::errc() || magnitude > (negative ? most : most - 1)) {
    throw std::invalid_argument(std::string(negative ? "-" : "") + std::string(unsigned_text) +
                                " is beyond the whole numbers of 64 bits, and would have to be between " +
                                std::to_string(std::numeric_limits<std::int64_t>::min()) + " and " +
                                std::to_string(std::numeric_limits<std::int64_t>::max()));
  }
  return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
}

// digits [. digits] [e [+-] digits], with a dot or an exponent; the dot may come first or last.
std::optional<double> real_number(std::string_view unsigned_text, bool negative) {
  std::string_view mantissa = unsigned_text;
  if (const std::size_t e = unsigned_text.find_first_of("eE"); e != std::string_view::npos) {
    mantissa = unsigned_text.substr(0, e);
    std::string_view exponent = unsigned_text.substr(e + 1);
    exponent.remove_prefix(exponent.starts_with('+') || exponent.starts_with('-') ? 1 : 0);
    if (!all_digits(exponent)) {
      return std::nullopt;
    }
  } else if (unsigned_text.find('.') == std::string_view::npos) {
    return std::nullopt;
  }
  const std::size_t dot = mantissa.find('.');
  const std::string digits =
      std::string(mantissa.substr(0, dot)) + std::string(dot == std::string_view::npos ? "" : mantissa.substr(dot + 1));
  if (!all_digits(digits)) {
    return std::nullopt;
  }
  double number = 0;
  const auto [end, error] = std::from_chars(unsigned_text.data(), unsigned_text.data() + unsigned_text.size(), number);
  if (error == std::errc::result_out_of_range) {
    throw std::invalid_argument(std::string(unsigned_text) + " is beyond the numbers of double precision");
  }
  return negative ? -number : number;
}

}  // namespace

Scalar resolve_plain_scalar(const std::string& text) {
  if (is_one_of(text, kNull)) {
    return std::monostate();
  }
  if (is_one_of(text, kTrue) || is_one_of(text, kFalse)) {
    return is_one_of(text, kTrue);
  }
  const bool negative = text.starts_with('-');
  std::string magnitude = text.substr(negative || text.starts_with('+') ? 1 : 0);
  if (is_one_of(magnitude, kInfinity)) {
    return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
  if (is_one_of(text, kNan)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (magnitude.empty() || !(is_digit(magnitude.front()) || magnitude.front() == '.')) {
    return text;
  }
  std::erase(magnitude, '_');
  if (const std::optional<std::int64_t> whole = whole_number(magnitude, negative)) {
    return *whole;
  }
  if (const std::optional<double> real = real_number(magnitude, negative)) {
    return *real;
  }
  return text;
}

}  // namespace memtrack
