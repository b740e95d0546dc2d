#pragma once

#include <optional>
#include <string>
#include <variant>

namespace memtrack {

using Scalar = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

// What a plain (unquoted) YAML scalar stands for. Throws std::invalid_argument for a whole number beyond 64 bits.
Scalar resolve_plain_scalar(const std::string& text);

}  // namespace memtrack
