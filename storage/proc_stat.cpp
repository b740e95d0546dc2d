#include "storage/proc_stat.h"

#include <algorithm>
#include <charconv>

namespace memtrack {

std::string_view stat_field(std::string_view stat, int number) {
  constexpr int kFirst = 3;
  constexpr std::string_view kSpaces = " \n";
  const std::size_t name_end = stat.rfind(')');
  stat.remove_prefix(name_end == std::string_view::npos ? stat.size() : name_end + 1);
  for (int field = kFirst;; ++field) {
    stat.remove_prefix(std::min(stat.find_first_not_of(kSpaces), stat.size()));
    const std::string_view text = stat.substr(0, stat.find_first_of(kSpaces));
    if (field == number || text.empty()) {
      return text;
    }
    stat.remove_prefix(text.size());
  }
}

std::optional<std::uint64_t> stat_number(std::string_view stat, int number) {
  const std::string_view text = stat_field(stat, number);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace memtrack
