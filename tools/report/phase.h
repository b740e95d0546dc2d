#pragma once

// Over which phase figures are taken.

#include <optional>
#include <string>
#include <vector>

namespace memtrack {

// The phase `asked`; where nothing is asked, train if all sweeps named it, else the whole trial (nullopt).
// `named_by_each`: the phases that the trials of each sweep named. Throws UsageError naming the nearest and all phases
// that each of them named, where `asked` is none of these.
std::optional<std::string> choose_phase(const std::string& asked,
                                        const std::vector<std::vector<std::string>>& named_by_each);

}  // namespace memtrack
