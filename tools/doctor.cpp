#include "tools/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "collector/proc_text.h"
#include "tools/text.h"

namespace memtrack {
namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30;
constexpr std::int64_t kFewOpenFiles = 4096;  // some three a process are held open
// Beyond it a tick of 1 ms is nearer to the next one than to its own time.
constexpr std::chrono::microseconds kLate(500);
constexpr std::array<std::string_view, 4> kNeededOfMeminfo = {"mem_total_bytes", "mem_free_bytes", "buffers_bytes",
                                                              "cached_bytes"};
constexpr std::array<std::string_view, 3> kSlowClocks = {"hpet", "acpi_pm", "jiffies"};

template <typename List>
bool holds(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

bool has_line(std::string_view text, std::string_view name) {
  return text.starts_with(name) || text.find("\n" + std::string(name)) != std::string_view::npos;
}

std::string size_text(std::int64_t bytes) {
  return bytes < kGiB ? fmt::format("{} MiB", bytes >> 20)
                      : fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(kGiB));
}

std::string milliseconds_text(std::chrono::nanoseconds time) {
  return fmt::format("{:.2f} ms", std::chrono::duration<double, std::milli>(time).count());
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ", ") + word;
  }
  return text;
}

Sample system_sample(const MachineFacts& facts) {
  Sample sample;
  parse_meminfo(facts.meminfo, sample);
  return sample;
}

Finding judge_kernel(const MachineFacts& facts) {
  if (!facts.has_pidfd) {
    return {.subject = "kernel",
            .ability = Ability::missing,
            .text = fmt::format("Linux {} gives no pidfd, by which a process is told from its pid's next owner",
                                facts.kernel),
            .remedy = "Linux 5.3 or later; in a container, a seccomp profile that lets pidfd_open through",
            .is_needed = true};
  }
  std::string text = "Linux " + facts.kernel;
  text += facts.cores ? fmt::format(", {}", count_of(*facts.cores, "core")) : "";
  const Reading total = system_sample(facts).mem_total_bytes;
  text += total ? fmt::format(", {} of memory", size_text(*total)) : "";
  return {.subject = "kernel", .text = text};
}

Finding judge_system_memory(const MachineFacts& facts) {
  const Sample sample = system_sample(facts);
  std::vector<std::string> unread;
  bool is_needed = false;
  for (const SampleColumn& column : sample_columns()) {
    if (column.name == "pcp_free_bytes") {  // the last of the system's
      break;
    }
    if (!(sample.*column.member)) {
      unread.emplace_back(column.name);
      is_needed = is_needed || holds(kNeededOfMeminfo, column.name);
    }
  }
  if (unread.empty()) {
    return {.subject = "system memory", .text = "/proc/meminfo has all that samples record"};
  }
  return {.subject = "system memory",
          .ability = is_needed ? Ability::missing : Ability::limited,
          .text = fmt::format("/proc/meminfo lacks what would be {}: NULL", joined(unread)),
          .remedy = facts.meminfo.empty() ? "mount /proc, with meminfo readable" : "a newer kernel",
          .is_needed = is_needed};
}

Finding judge_per_cpu_lists(const MachineFacts& facts) {
  if (parse_per_cpu_pages(facts.zoneinfo)) {
    return {.subject = "per-CPU lists",
            .text = "/proc/zoneinfo counts their free pages: used_corrected_bytes is there"};
  }
  return {.subject = "per-CPU lists",
          .ability = Ability::limited,
          .text = facts.zoneinfo.empty() ? "/proc/zoneinfo is not to be read: used_corrected_bytes is NULL"
                                         : "/proc/zoneinfo names none: used_corrected_bytes is NULL",
          .remedy = facts.zoneinfo.empty() ? "in a container, do not mask /proc/zoneinfo" : ""};
}

Finding judge_children(const MachineFacts& facts) {
  if (facts.lists_children) {
    return {.subject = "process tree", .text = "the kernel lists the children of each thread"};
  }
  return {.subject = "process tree",
          .ability = Ability::limited,
          .text = "no lists of children in /proc: all processes of the machine are looked at instead, on every tick",
          .remedy = "a kernel with CONFIG_PROC_CHILDREN; else an interval of 1s or longer"};
}

// "rw,relatime,hidepid=invisible" -> true
bool hides_processes(std::string_view options) {
  constexpr std::string_view kOption = "hidepid=";
  const std::size_t place = options.find(kOption);
  if (place == std::string_view::npos) {
    return false;
  }
  const std::string_view value = options.substr(place + kOption.size());
  return !value.starts_with("0") && !value.starts_with("off");
}

Finding judge_others(const MachineFacts& facts) {
  if (facts.is_root) {
    return {.subject = "others' processes", .text = "all can be measured, by root"};
  }
  if (hides_processes(facts.proc_options)) {
    return {.subject = "others' processes",
            .ability = Ability::limited,
            .text = "/proc hides them (hidepid): what a command starts as another user is not counted",
            .remedy = "root, or the group that the mount option gid= names"};
  }
  return {.subject = "others' processes",
          .ability = Ability::limited,
          .text = "what a command starts as another user is counted, without pss; attach refuses them",
          .remedy = "root"};
}

Finding judge_resident(const MachineFacts& facts) {
  if (!has_line(facts.own_status, "VmRSS:")) {
    return {.subject = "resident memory",
            .ability = Ability::missing,
            .text = "/proc/PID/status has no VmRSS",
            .remedy = "mount /proc",
            .is_needed = true};
  }
  const bool has_parts = has_line(facts.own_status, "RssAnon:") && has_line(facts.own_status, "RssShmem:");
  return has_parts
             ? Finding{.subject = "resident memory", .text = "of every process, with its private and shared parts"}
             : Finding{.subject = "resident memory",
                       .ability = Ability::limited,
                       .text =
                           "the kernel does not tell private from shared: tree_rss_anon_bytes, _file_ and "
                           "_shmem_ are NULL",
                       .remedy = "Linux 4.5 or later"};
}

Finding judge_peaks(const MachineFacts& facts) {
  if (has_line(facts.own_status, "VmHWM:")) {
    return {.subject = "peaks", .text = "the kernel keeps high-water marks (VmHWM), whatever the interval"};
  }
  return {.subject = "peaks",
          .ability = Ability::limited,
          .text = "no VmHWM in /proc/PID/status: of a tree the largest sample is all, and a short burst is missed",
          .remedy = "a kernel with CONFIG_PROC_PAGE_MONITOR and VmHWM; else a shorter --interval"};
}

Finding judge_pss(const MachineFacts& facts) {
  if (!has_line(facts.own_smaps_rollup, "Pss:")) {
    return {.subject = "pss and uss",
            .ability = Ability::limited,
            .text =
                "/proc/PID/smaps_rollup is not there: tree_pss_bytes and tree_uss_bytes are NULL, and memory that "
                "processes share is counted once for each",
            .remedy = "Linux 4.14 or later, with CONFIG_PROC_PAGE_MONITOR"};
  }
  if (!has_line(facts.own_smaps_rollup, "Pss_Anon:")) {
    return {.subject = "pss and uss",
            .ability = Ability::limited,
            .text = "without their parts: tree_pss_anon_bytes, _file_ and _shmem_ are NULL",
            .remedy = "Linux 5.9 or later"};
  }
  return {.subject = "pss and uss",
          .text = "within 0.5% of a core; none where a process would take over 10 ms to read"};
}

// `problem`: "what is wrong; what helps".
Finding judge_cgroup(const MachineFacts& facts) {
  if (facts.cgroup_problem.empty()) {
    const std::string version = facts.cgroup_version ? fmt::format(" (v{})", *facts.cgroup_version) : "";
    return {
        .subject = "own cgroup",
        .text = fmt::format("each trial gets one{}: its exact peak with page cache, memory_limit, OOM kills", version)};
  }
  const std::size_t end = facts.cgroup_problem.rfind("; ");
  const bool has_remedy = end != std::string::npos;
  return {
      .subject = "own cgroup",
      .ability = Ability::limited,
      .text =
          facts.cgroup_problem.substr(0, end) + ": no memory_limit" +
          (facts.cgroup_lacks_only_limit ? "" : ", no count of OOM kills, cgroup_bytes and peak_cgroup_bytes are NULL"),
      .remedy = has_remedy ? facts.cgroup_problem.substr(end + 2) : ""};
}

Finding judge_swap(const MachineFacts& facts) {
  const Sample sample = system_sample(facts);
  if (sample.swap_total_bytes.value_or(0) == 0) {
    return {.subject = "swap", .text = "the machine has none"};
  }
  return {.subject = "swap",
          .text = fmt::format("{}, {} free; what is swapped out is in tree_swap_bytes, not in resident memory",
                              size_text(*sample.swap_total_bytes), size_text(sample.swap_free_bytes.value_or(0)))};
}

Finding judge_open_files(const MachineFacts& facts) {
  if (facts.most_open_files >= kFewOpenFiles) {
    return {.subject = "open files", .text = fmt::format("{} at most", facts.most_open_files)};
  }
  return {.subject = "open files",
          .ability = Ability::limited,
          .text = fmt::format("{} at most: of a tree of hundreds of processes each file is opened anew on every tick",
                              facts.most_open_files),
          .remedy = "a higher hard limit (ulimit -Hn)"};
}

Finding judge_timer(const MachineFacts& facts) {
  const TimerFacts& timer = facts.timer;
  if (timer.ticks == 0) {
    return {.subject = "timer", .ability = Ability::limited, .text = "could not be tried"};
  }
  std::string text = fmt::format("ticks of 1ms came {} late at the median, {} at most",
                                 milliseconds_text(timer.median_late), milliseconds_text(timer.largest_late));
  text += timer.clock_source.empty() ? "" : fmt::format("; clock {}", timer.clock_source);
  text += timer.slack_ns ? fmt::format(", slack {}", milliseconds_text(std::chrono::nanoseconds(*timer.slack_ns))) : "";
  if (holds(kSlowClocks, timer.clock_source)) {
    return {.subject = "timer",
            .ability = Ability::limited,
            .text = text + ", which is slow to read",
            .remedy = "boot with a clock source that the machine trusts, such as tsc"};
  }
  if (timer.median_late > kLate) {
    return {.subject = "timer",
            .ability = Ability::limited,
            .text = text,
            .remedy = "an interval of 10ms or longer, or a machine that is less busy"};
  }
  return {.subject = "timer", .text = text};
}

Finding judge_cost(const MachineFacts& facts) {
  if (facts.cost.processes == 0) {
    return {.subject = "cost of a tick", .ability = Ability::limited, .text = "could not be tried"};
  }
  const double seconds = std::chrono::duration<double>(facts.cost.cpu_a_tick).count();
  return {.subject = "cost of a tick",
          .text = fmt::format("{} to read the system and {} processes: {:.3f}% of a core at 1s, {:.2g}% at 10ms",
                              milliseconds_text(facts.cost.cpu_a_tick), facts.cost.processes, 100 * seconds,
                              100 * seconds * 100)};
}

Finding judge_database(const MachineFacts& facts) {
  const std::string path = facts.database.path.string();
  if (!facts.database.problem.empty()) {
    return {.subject = "database",
            .ability = Ability::missing,
            .text = facts.database.problem,
            .remedy = "name another file with --db or MEMTRACK_DB",
            .is_needed = true};
  }
  if (!facts.database_problem.empty()) {
    return {.subject = "database", .ability = Ability::limited, .text = facts.database_problem};
  }
  if (!facts.database.file_system) {
    return {.subject = "database", .text = path};
  }
  const FileSystem& found = *facts.database.file_system;
  const std::string text =
      fmt::format("{}, on {}, {} free", path, found.mount_type.empty() ? "a local file system" : found.mount_type,
                  size_text(found.free_bytes));
  if (found.free_bytes < kGiB) {
    return {.subject = "database",
            .ability = Ability::limited,
            .text = text + ": samples wait in memory while the disk is full, and are thinned",
            .remedy = "free some of it, or name another file with --db"};
  }
  return {.subject = "database", .text = text};
}

Finding judge_runtime_folder(const MachineFacts& facts) {
  if (!facts.runtime.problem.empty()) {
    return {.subject = "sockets and locks",
            .ability = Ability::missing,
            .text = facts.runtime.problem,
            .remedy = "set XDG_RUNTIME_DIR to a short path that is yours alone",
            .is_needed = true};
  }
  return {.subject = "sockets and locks",
          .text = fmt::format("{}; paths take {} of 107 bytes", facts.runtime.path.string(), facts.socket_path_bytes)};
}

Finding judge_programs(const MachineFacts& facts) {
  if (facts.missing_programs.empty()) {
    return {.subject = "programs", .text = "memtrackd, memtrack-collector and memtrack-trainer are where they belong"};
  }
  const bool is_needed = holds(facts.missing_programs, "memtrack-collector");
  return {.subject = "programs",
          .ability = is_needed ? Ability::missing : Ability::limited,
          .text = fmt::format("not there: {}", joined(facts.missing_programs)),
          .remedy = "install memtrack again",
          .is_needed = is_needed};
}

Finding judge_daemon(const MachineFacts& facts) {
  if (!facts.daemon_problem.empty()) {
    return {.subject = "memtrackd", .ability = Ability::limited, .text = facts.daemon_problem};
  }
  if (facts.daemon.empty()) {
    return {.subject = "memtrackd",
            .ability = Ability::limited,
            .text = "does not run: sweeps wait for it; run, attach and reading need none",
            .remedy = "memtrack daemon start"};
  }
  return {.subject = "memtrackd", .text = facts.daemon};
}

Finding judge_datasets(const MachineFacts& facts) {
  std::vector<std::string> complete, incomplete;
  for (const DatasetFacts& dataset : facts.datasets) {
    (dataset.is_complete ? complete : incomplete).push_back(dataset.name);
  }
  const std::string there =
      complete.empty() ? "" : joined(complete) + (complete.size() == 1 ? " is" : " are") + " there";
  if (incomplete.empty()) {
    return {.subject = "data sets", .text = there};
  }
  return {.subject = "data sets",
          .ability = Ability::limited,
          .text = fmt::format("{}{}{} {} not", there, there.empty() ? "" : "; ", joined(incomplete),
                              incomplete.size() == 1 ? "is" : "are"),
          .remedy = "'memtrack datasets list' says where the files go"};
}

}  // namespace

std::vector<Finding> judge(const MachineFacts& facts) {
  return {judge_kernel(facts), judge_system_memory(facts), judge_per_cpu_lists(facts),  judge_children(facts),
          judge_others(facts), judge_resident(facts),      judge_peaks(facts),          judge_pss(facts),
          judge_cgroup(facts), judge_swap(facts),          judge_open_files(facts),     judge_timer(facts),
          judge_cost(facts),   judge_database(facts),      judge_runtime_folder(facts), judge_programs(facts),
          judge_daemon(facts), judge_datasets(facts)};
}

bool can_work(const std::vector<Finding>& findings) {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.is_needed && finding.ability == Ability::missing; });
}

}  // namespace memtrack
