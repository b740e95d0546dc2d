#include "daemon/orphan.h"

#include "daemon/processes.h"
#include "storage/environment_file.h"
#include "storage/proc_stat.h"

namespace memtrack {

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
  const Environment environment = parse_environment(orphan.environment);
  const auto trial = environment.find("MEMTRACK_TRIAL");
  const bool names_another = trial != environment.end() && !trial->second.empty() && trial->second != trial_uid;
  return !others_come_too && orphan.start_ticks >= collector.start_ticks && !names_another;
}

}  // namespace memtrack
