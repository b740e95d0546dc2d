#include "collector/cgroup_text.h"

#include <algorithm>
#include <limits>

#include "collector/proc_text.h"
#include "collector/text_parts.h"

namespace memtrack {
namespace {

// A number that is not negative, nothing around it.
Reading parse_count(std::string_view text) {
  const Reading count = parse_integer(text);
  return count && *count >= 0 ? count : std::nullopt;
}

}  // namespace

std::vector<pid_t> parse_cgroup_procs(std::string_view text) {
  std::vector<pid_t> pids;
  while (!text.empty()) {
    if (const Reading pid = parse_integer(take_until(text, '\n'));
        pid && *pid > 0 && *pid <= std::numeric_limits<pid_t>::max()) {
      pids.push_back(static_cast<pid_t>(*pid));
    }
  }
  return pids;
}

Reading parse_oom_kills(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    if (take_until(line, ' ') == "oom_kill") {
      return parse_count(line);
    }
  }
  return std::nullopt;
}

Reading parse_cgroup_figure(std::string_view text) {
  return parse_count(take_until(text, '\n'));
}

bool lists_controller(std::string_view text, std::string_view name) {
  return has_item(take_until(text, '\n'), ' ', name);
}

bool has_swap(std::string_view text) {
  take_until(text, '\n');
  return !text.empty();
}

std::optional<std::string> parse_own_cgroup(std::string_view text, int version) {
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::string_view hierarchy = take_until(line, ':');
    const std::string_view controllers = take_until(line, ':');
    const bool is_it = version == 1 ? has_item(controllers, ',', "memory") : hierarchy == "0" && controllers.empty();
    if (is_it && line.starts_with('/')) {
      return std::string(line);
    }
  }
  return std::nullopt;
}

}  // namespace memtrack
