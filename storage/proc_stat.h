#pragma once

// Single fields of /proc/PID/stat, by their numbers in proc(5). Who needs many of them takes parse_proc_stat() of
// collector/proc_text.h.
//
//   7 (a name) S 1 7 7 0 ...      field 3 is "S", field 4 is 1

#include <cstdint>
#include <optional>
#include <string_view>

namespace memtrack {

// From field 3 on, the first behind the name, which may hold anything. Empty: there is none.
std::string_view stat_field(std::string_view stat, int number);

// nullopt: there is none, or it is no such number.
std::optional<std::uint64_t> stat_number(std::string_view stat, int number);

}  // namespace memtrack
