#pragma once

// Values of a query's answer as C++ types: NULL, and what is of another type, is nullopt.

#include <cstdint>
#include <optional>
#include <string>

#include "storage/query.h"

namespace memtrack {

inline std::optional<std::int64_t> whole_of(const Value& value) {
  const auto* held = std::get_if<std::int64_t>(&value);
  return held == nullptr ? std::nullopt : std::optional(*held);
}

// Whole numbers too.
inline std::optional<double> real_of(const Value& value) {
  if (const auto* held = std::get_if<std::int64_t>(&value)) {
    return static_cast<double>(*held);
  }
  const auto* held = std::get_if<double>(&value);
  return held == nullptr ? std::nullopt : std::optional(*held);
}

inline std::optional<std::string> text_of(const Value& value) {
  const auto* held = std::get_if<std::string>(&value);
  return held == nullptr ? std::nullopt : std::optional(*held);
}

template <typename T>
Value value_of(const std::optional<T>& held) {
  return held ? Value(*held) : Value();
}

}  // namespace memtrack
