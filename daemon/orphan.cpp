#include "daemon/orphan.h"

#include <algorithm>

#include "daemon/processes.h"
#include "storage/proc_stat.h"

namespace memtrack {
namespace {

// Empty: the environment names none.
std::string_view trial_in(std::string_view environment) {
  constexpr std::string_view kName = "MEMTRACK_TRIAL=";
  while (!environment.empty()) {
    const std::size_t length = std::min(environment.find('\0'), environment.size());
    if (environment.starts_with(kName)) {
      return environment.substr(kName.size(), length - kName.size());
    }
    environment.remove_prefix(std::min(length + 1, environment.size()));
  }
  return {};
}

}  // namespace

std::optional<Orphan> parse_orphan(std::string_view stat) {
  const auto session = stat_number(stat, 6);
  const auto start_ticks = stat_number(stat, 22);
  if (!session || !start_ticks) {
    return std::nullopt;
  }
  return Orphan{.session = static_cast<pid_t>(*session), .start_ticks = *start_ticks};
}

std::optional<Orphan> look_at_orphan(pid_t pid) {
  std::optional<Orphan> orphan = parse_orphan(read_proc_file(pid, "stat"));
  if (orphan) {
    orphan->environment = read_proc_file(pid, "environ");
  }
  return orphan;
}

bool may_be_left_by(const StartedProcess& collector, std::string_view trial_uid, const Orphan& orphan,
                    bool others_come_too) {
  if (orphan.session == collector.pid) {
    return true;
  }
  const std::string_view trial = trial_in(orphan.environment);
  return !others_come_too && orphan.start_ticks >= collector.start_ticks && (trial.empty() || trial == trial_uid);
}

}  // namespace memtrack
