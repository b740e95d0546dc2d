// Whatever stands in a file of /proc or /sys/fs/cgroup, the parsers return, and say nothing absurd.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <string>

#include "collector/cgroup_text.h"
#include "collector/proc_text.h"
#include "tests/collector/captured_text.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

constexpr int kRounds = 400;  // of each text
// Sums over this many processes do not leave the range of 64 bits.
constexpr std::int64_t kProcesses = 8'000;

bool can_be_summed_up(std::int64_t value, std::int64_t factor) {
  return value >= 0 && value <= std::numeric_limits<std::int64_t>::max() / factor;
}

// Bytes.
bool is_sane(const Reading& reading) {
  return !reading || can_be_summed_up(*reading, kProcesses / 2);
}

bool are_pids(const std::vector<pid_t>& pids) {
  return std::all_of(pids.begin(), pids.end(), [](pid_t pid) { return pid > 0; });
}

bool is_sane(const ProcStat& stat) {
  constexpr std::int64_t kNsPerTick = 10'000'000;
  const auto is_time = [](std::int64_t ticks) { return can_be_summed_up(ticks, 4 * kNsPerTick); };
  return stat.pid > 0 && stat.parent_pid >= 0 && stat.threads >= 0 && is_time(stat.user_ticks) &&
         is_time(stat.system_ticks) && is_time(stat.children_user_ticks) && is_time(stat.children_system_ticks) &&
         stat.children_minor_faults >= 0 && can_be_summed_up(stat.major_faults, kProcesses) &&
         can_be_summed_up(stat.children_major_faults, kProcesses);
}

bool is_sane(const ProcStatus& status) {
  return is_sane(status.rss_bytes) && is_sane(status.rss_anon_bytes) && is_sane(status.rss_file_bytes) &&
         is_sane(status.rss_shmem_bytes) && is_sane(status.peak_rss_bytes) && is_sane(status.size_bytes) &&
         is_sane(status.swap_bytes) && is_sane(status.hugetlb_bytes);
}

bool is_sane(const ProcSmaps& smaps) {
  return is_sane(smaps.pss_bytes) && is_sane(smaps.pss_anon_bytes) && is_sane(smaps.pss_file_bytes) &&
         is_sane(smaps.pss_shmem_bytes) && is_sane(smaps.uss_bytes);
}

bool is_sane(const Sample& sample) {
  const auto columns = sample_columns();
  return std::all_of(columns.begin(), columns.end(),
                     [&](const SampleColumn& column) { return is_sane(sample.*column.member); });
}

// Every parser over any text: what was written for another is only one more kind of nonsense.
void check_all_parsers(const std::string& text) {
  CAPTURE(text);
  Sample sample;
  parse_meminfo(text, sample);
  CHECK(is_sane(sample));
  const auto status = parse_proc_status(text);
  CHECK((!status || is_sane(*status)));
  const auto smaps = parse_smaps_rollup(text);
  CHECK((!smaps || is_sane(*smaps)));
  const auto stat = parse_proc_stat(text);
  CHECK((!stat || is_sane(*stat)));
  CHECK(are_pids(parse_children(text)));
  CHECK(are_pids(parse_cgroup_procs(text)));
  const Reading pages = parse_per_cpu_pages(text);
  CHECK((!pages || can_be_summed_up(*pages, 65536)));
  CHECK(parse_oom_kills(text).value_or(0) >= 0);
  CHECK(parse_cgroup_figure(text).value_or(0) >= 0);
  parse_cpu_model(text);
  parse_cgroup_version(text, text);
  parse_own_cgroup(text, 1);
  parse_own_cgroup(text, 2);
  lists_controller(text, "memory");
}

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::string mutate(std::string text) {
    for (std::size_t changes = 1 + below(6); changes > 0; --changes) {
      change(text);
    }
    return text;
  }

 private:
  static constexpr std::array kNumbers = {"-1",
                                          "0",
                                          "9223372036854775807",
                                          "-9223372036854775808",
                                          "18446744073709551615",
                                          "9007199254740992",
                                          "99999999999999999999999999",
                                          "1e9",
                                          "0x10",
                                          "",
                                          "4294967296",
                                          "2147483648"};

  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    switch (below(6)) {
      case 0:
        if (at < text.size()) {
          text[at] = static_cast<char>(below(256));
        }
        break;
      case 1:
        text.erase(at, below(40));
        break;
      case 2:
        text.insert(at, text.substr(below(text.size() + 1), below(80)));
        break;
      case 3:
        text.insert(at, 1, " \t\n:()-\0k9"[below(10)]);
        break;
      default:
        replace_number(text, at);
    }
  }

  void replace_number(std::string& text, std::size_t at) {
    const std::size_t begin = text.find_first_of("0123456789", at);
    if (begin != std::string::npos) {
      const std::size_t end = std::min(text.find_first_not_of("0123456789", begin), text.size());
      text.replace(begin, end - begin, kNumbers[below(kNumbers.size())]);
    }
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("a text that is cut off anywhere is parsed to nothing absurd") {
  for (const std::string& text : captured_texts()) {
    for (std::size_t length = 0; length <= text.size(); ++length) {
      check_all_parsers(text.substr(0, length));
    }
  }
}

TEST_CASE("texts changed at random are parsed to nothing absurd") {
  Mutator mutator(20'260'101);
  for (const std::string& text : captured_texts()) {
    for (int round = 0; round < kRounds; ++round) {
      check_all_parsers(mutator.mutate(text));
    }
  }
}

TEST_CASE("noise is parsed to nothing absurd") {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string noise(random() % 600, '\0');
    std::generate(noise.begin(), noise.end(), [&] { return static_cast<char>(random() % 256); });
    check_all_parsers(noise);
  }
}
