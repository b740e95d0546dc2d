#include "collector/proc_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "collector/text_parts.h"

namespace memtrack {
namespace {

constexpr std::int64_t kBytesPerKb = 1024;
constexpr std::int64_t kMostKb = std::int64_t{1} << 40;  // 1 PiB: sums over many processes stay in range

std::string_view take_line(std::string_view& text) {
  return take_until(text, '\n');
}

// Takes the next word off the front of `text`; empty at its end.
std::string_view take_word(std::string_view& text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// "   1744 kB" -> 1785856. nullopt: no number, another unit, or too large.
Reading parse_kb(std::string_view value) {
  const Reading kb = parse_integer(take_word(value));
  if (!kb || *kb < 0 || *kb > kMostKb || take_word(value) != "kB") {
    return std::nullopt;
  }
  return *kb * kBytesPerKb;
}

// The fields of /proc/PID/stat that are taken, and the most that each can mean: sums over many processes stay in range.
struct StatField {
  std::size_t number;  // proc(5) counts from 1
  std::int64_t most;
};
constexpr std::int64_t kMostPid = std::numeric_limits<pid_t>::max();
constexpr std::int64_t kMostFaults = 1'000'000'000'000'000;
constexpr std::int64_t kMostTicks = 100'000'000'000;  // 30 years, where a second has 100
constexpr std::array kStatFields = {
    StatField{4, kMostPid},     StatField{11, kMostFaults},
    StatField{12, kMostFaults}, StatField{13, kMostFaults},
    StatField{14, kMostTicks},  StatField{15, kMostTicks},
    StatField{16, kMostTicks},  StatField{17, kMostTicks},
    StatField{20, kMostPid},    StatField{22, std::numeric_limits<std::int64_t>::max()}};

constexpr std::int64_t kMostPages = std::int64_t{1} << 40;

bool is_in(std::int64_t value, std::int64_t least, std::int64_t most) {
  return least <= value && value <= most;
}

struct MeminfoLine {
  std::string_view name;
  Reading Sample::*member;
};

// In the order of the kernel's lines, so that one pass finds them all.
constexpr std::array kMeminfoLines = {
    MeminfoLine{"MemTotal", &Sample::mem_total_bytes},
    MeminfoLine{"MemFree", &Sample::mem_free_bytes},
    MeminfoLine{"MemAvailable", &Sample::mem_available_bytes},
    MeminfoLine{"Buffers", &Sample::buffers_bytes},
    MeminfoLine{"Cached", &Sample::cached_bytes},
    MeminfoLine{"Active", &Sample::active_bytes},
    MeminfoLine{"SwapTotal", &Sample::swap_total_bytes},
    MeminfoLine{"SwapFree", &Sample::swap_free_bytes},
    MeminfoLine{"Dirty", &Sample::dirty_bytes},
    MeminfoLine{"AnonPages", &Sample::anon_bytes},
    MeminfoLine{"Shmem", &Sample::shmem_bytes},
    MeminfoLine{"Slab", &Sample::slab_bytes},
    MeminfoLine{"SReclaimable", &Sample::sreclaimable_bytes},
};

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view word) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end == word.data() + word.size() && !word.empty() ? std::optional(value)
                                                                                   : std::nullopt;
}

void parse_meminfo(std::string_view text, Sample& sample) {
  std::size_t next = 0;  // where the line after the last found one stands, on every kernel so far
  std::size_t found = 0;
  while (!text.empty() && found < kMeminfoLines.size()) {
    const std::string_view line = take_line(text);
    const std::string_view name = line.substr(0, line.find(':'));
    for (std::size_t i = 0; i < kMeminfoLines.size(); ++i) {
      const std::size_t at = (next + i) % kMeminfoLines.size();
      if (kMeminfoLines[at].name == name && name.size() < line.size()) {
        sample.*kMeminfoLines[at].member = parse_kb(line.substr(name.size() + 1));
        next = at + 1;
        ++found;
        break;
      }
    }
  }
}

std::optional<ProcStatus> parse_proc_status(std::string_view text) {
  ProcStatus status;
  Reading rss;
  if (!text.starts_with("Vm")) {
    text.remove_prefix(std::min(text.find("\nVm"), text.size()));  // nothing of ours comes before
  }
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      continue;
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = line.substr(colon + 1);
    if (name == "VmSize") {
      status.size_bytes = parse_kb(value);
    } else if (name == "VmHWM") {
      status.peak_rss_bytes = parse_kb(value);
    } else if (name == "VmRSS") {
      rss = parse_kb(value);
    } else if (name == "RssAnon") {
      status.rss_anon_bytes = parse_kb(value);
    } else if (name == "RssFile") {
      status.rss_file_bytes = parse_kb(value);
    } else if (name == "RssShmem") {
      status.rss_shmem_bytes = parse_kb(value);
    } else if (name == "VmSwap") {
      status.swap_bytes = parse_kb(value);
    } else if (name == "HugetlbPages") {
      status.hugetlb_bytes = parse_kb(value);
      break;  // nothing of ours comes after it
    }
  }
  if (!rss) {
    return std::nullopt;
  }
  status.rss_bytes = *rss;
  return status;
}

std::optional<ProcSmaps> parse_smaps_rollup(std::string_view text) {
  take_line(text);  // "55d0c7b1f000-7ffd3a1fe000 ---p 00000000 00:00 0    [rollup]"
  ProcSmaps smaps;
  Reading pss, private_clean, private_dirty;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const std::string_view name = line.substr(0, line.find(':'));
    const std::string_view value = line.substr(std::min(name.size() + 1, line.size()));
    if (name == "Pss") {
      pss = parse_kb(value);
    } else if (name == "Pss_Anon") {
      smaps.pss_anon_bytes = parse_kb(value);
    } else if (name == "Pss_File") {
      smaps.pss_file_bytes = parse_kb(value);
    } else if (name == "Pss_Shmem") {
      smaps.pss_shmem_bytes = parse_kb(value);
    } else if (name == "Private_Clean") {
      private_clean = parse_kb(value);
    } else if (name == "Private_Dirty") {
      private_dirty = parse_kb(value);
      break;  // nothing of ours comes after it
    }
  }
  if (!pss || !private_clean || !private_dirty) {
    return std::nullopt;
  }
  smaps.pss_bytes = *pss;
  smaps.uss_bytes = *private_clean + *private_dirty;
  return smaps;
}

std::optional<ProcStat> parse_proc_stat(std::string_view text) {
  const std::size_t name_begin = text.find(" (");
  const std::size_t name_end = text.rfind(") ");
  if (name_begin == std::string_view::npos || name_end == std::string_view::npos || name_end < name_begin + 2) {
    return std::nullopt;
  }
  ProcStat stat;
  const Reading pid = parse_integer(text.substr(0, name_begin));
  stat.name = text.substr(name_begin + 2, name_end - name_begin - 2);
  std::string_view rest = text.substr(name_end + 2);
  const std::string_view state = take_word(rest);
  constexpr std::size_t kFirstField = 4;  // the state is field 3
  constexpr std::size_t kLastField = 22;
  std::array<std::int64_t, kLastField + 1> fields{};
  for (std::size_t field = kFirstField; field <= kLastField; ++field) {
    const std::string_view word = take_word(rest);
    const Reading number = parse_integer(word);
    if (!number) {
      return std::nullopt;
    }
    fields[field] = *number;
  }
  const bool is_plausible = std::all_of(kStatFields.begin(), kStatFields.end(), [&](const StatField& field) {
    return is_in(fields[field.number], 0, field.most);
  });
  if (!pid || !is_in(*pid, 1, kMostPid) || state.size() != 1 || !is_plausible) {
    return std::nullopt;
  }
  stat.pid = static_cast<pid_t>(*pid);
  stat.state = state[0];
  stat.parent_pid = static_cast<pid_t>(fields[4]);
  stat.children_minor_faults = fields[11];
  stat.major_faults = fields[12];
  stat.children_major_faults = fields[13];
  stat.user_ticks = fields[14];
  stat.system_ticks = fields[15];
  stat.children_user_ticks = fields[16];
  stat.children_system_ticks = fields[17];
  stat.threads = fields[20];
  stat.start_ticks = static_cast<std::uint64_t>(fields[22]);
  return stat;
}

std::vector<pid_t> parse_children(std::string_view text) {
  std::vector<pid_t> children;
  for (;;) {
    const Reading pid = parse_integer(take_word(text));
    if (!pid || *pid <= 0 || *pid > std::numeric_limits<pid_t>::max()) {
      return children;
    }
    children.push_back(static_cast<pid_t>(*pid));
  }
}

std::optional<std::int64_t> parse_per_cpu_pages(std::string_view text) {
  std::optional<std::int64_t> pages;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (take_word(line) != "count:") {
      continue;
    }
    const Reading count = parse_integer(take_word(line));
    if (!count || !is_in(*count, 0, kMostPages)) {
      return std::nullopt;
    }
    pages = pages.value_or(0) + *count;
  }
  return pages;
}

std::string parse_cpu_model(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      continue;
    }
    const std::string_view name = trim(line.substr(0, colon));
    // x86 and others; some ARM kernels say "Model" or "Hardware" for the board instead.
    if (name == "model name" || name == "Model" || name == "cpu model" || name == "cpu") {
      return std::string(trim(line.substr(colon + 1)));
    }
  }
  return "";
}

std::optional<std::int64_t> parse_cgroup_version(std::string_view own_cgroups, std::string_view v2_controllers) {
  while (!own_cgroups.empty()) {
    // 4:memory:/some/group, 2:cpu,cpuacct:/ and 0::/v2/group
    std::string_view line = take_line(own_cgroups);
    take_until(line, ':');
    if (has_item(take_until(line, ':'), ',', "memory")) {
      return 1;
    }
  }
  const std::string_view enabled = take_line(v2_controllers);
  return has_item(enabled, ' ', "memory") ? std::optional<std::int64_t>(2) : std::nullopt;
}

}  // namespace memtrack
