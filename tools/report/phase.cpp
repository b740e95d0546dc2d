#include "tools/report/phase.h"

#include <fmt/format.h>

#include <algorithm>

#include "sweeps/nearest_name.h"
#include "tools/exit_codes.h"

namespace memtrack {
namespace {

std::vector<std::string> named_by_all(const std::vector<std::vector<std::string>>& named_by_each) {
  std::vector<std::string> phases = named_by_each.at(0);
  std::erase_if(phases, [&](const std::string& phase) {
    return std::any_of(named_by_each.begin(), named_by_each.end(), [&](const std::vector<std::string>& named) {
      return std::find(named.begin(), named.end(), phase) == named.end();
    });
  });
  return phases;
}

}  // namespace

std::optional<std::string> choose_phase(const std::string& asked,
                                        const std::vector<std::vector<std::string>>& named_by_each) {
  const std::vector<std::string> phases = named_by_all(named_by_each);
  const std::string phase = asked.empty() ? "train" : asked;
  if (std::find(phases.begin(), phases.end(), phase) != phases.end()) return phase;
  if (asked.empty()) return std::nullopt;
  const std::vector<std::string_view> names(phases.begin(), phases.end());
  throw UsageError(fmt::format("--phase is {}{}; the trials{} named {}", memtrack::quoted(phase),
                               did_you_mean(phase, names), named_by_each.size() == 1 ? "" : " of all these sweeps",
                               phases.empty() ? "no phase" : join_names(names)));
}

}  // namespace memtrack
