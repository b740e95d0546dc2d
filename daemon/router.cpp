#include "daemon/router.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace memtrack {
namespace {

// nullopt: a '%' without two hexadecimal digits.
std::optional<std::string> decode_percent(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) {
      return std::nullopt;
    }
    unsigned char byte = 0;
    const char* digits = text.data() + i + 1;
    if (std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) {
      return std::nullopt;
    }
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string error_body(std::string_view what) {
  return nlohmann::json{{"error", what}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<Target> parse_target(std::string_view target) {
  const std::size_t question = target.find('?');
  const std::optional<std::string> path = decode_percent(target.substr(0, question));
  if (!path) {
    return std::nullopt;
  }
  Target parsed{.path = *path, .query = {}};
  if (question == std::string_view::npos) {
    return parsed;
  }
  for (const std::string_view part : split(target.substr(question + 1), '&')) {
    const std::size_t equals = part.find('=');
    const std::optional<std::string> name = decode_percent(part.substr(0, equals));
    const std::optional<std::string> value =
        decode_percent(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
    if (!name || !value) {
      return std::nullopt;
    }
    if (!name->empty()) {
      parsed.query[*name] = *value;
    }
  }
  return parsed;
}

std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path) {
  const std::vector<std::string_view> wanted = split(pattern, '/');
  const std::vector<std::string_view> given = split(path, '/');
  if (wanted.size() != given.size()) {
    return std::nullopt;
  }
  std::vector<std::string> values;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "{}" && !given[i].empty()) {
      values.emplace_back(given[i]);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return values;
}

RouteMatch find_route(std::span<const Route> routes, std::string_view method, std::string_view path) {
  RouteMatch match;
  for (const Route& route : routes) {
    std::optional<std::vector<std::string>> values = match_path(route.pattern, path);
    if (!values) {
      continue;
    }
    match.allow += (match.allow.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == method) {
      match.route = &route;
      match.path_values = std::move(*values);
    }
  }
  return match;
}

}  // namespace memtrack
