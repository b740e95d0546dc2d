#pragma once

#include <span>
#include <string>
#include <string_view>

namespace memtrack {

// The known name that `name` was most likely meant to be, empty where none is close. Upper and lower case, '-' and '_'
// count as equal.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

// "; did you mean 'epochs'?", or empty where no known name is close.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> known);

// The name in lower case, with '_' for '-'.
std::string folded_name(std::string_view name);

// "mnist, fashion-mnist, cifar-10"
std::string join_names(std::span<const std::string_view> names);

// "'two'", cut after 40 characters and with control characters replaced: fit for a one-line message.
std::string quoted(std::string_view text);

}  // namespace memtrack
