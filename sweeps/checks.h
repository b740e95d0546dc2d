#pragma once

// Reading one value of a sweep file with its type and range checked. All throw SweepError.

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sweeps/config_node.h"

namespace memtrack {

// Fails with "NAME is VALUE, and would have to be RIGHT".
[[noreturn]] void refuse(const std::string& name, const ConfigNode& node, const std::string& right);

// Fails with "NAME has no KEY; did you mean 'KEY'?", or with what it has.
[[noreturn]] void refuse_key(const std::string& name, const ConfigMember& member,
                             std::span<const std::string_view> known);

std::int64_t whole_number(const std::string& name, const ConfigNode& node, std::int64_t lowest, std::int64_t highest,
                          std::string_view example);

// A finite number, whole or real.
double real_number(const std::string& name, const ConfigNode& node, std::string_view example);

std::string text(const std::string& name, const ConfigNode& node, std::string_view example);

std::chrono::nanoseconds duration(const std::string& name, const ConfigNode& node, std::chrono::nanoseconds lowest,
                                  std::chrono::nanoseconds highest, std::string_view example);

}  // namespace memtrack
