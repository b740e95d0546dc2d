#include "collector/proc_text.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "tests/collector/captured_text.h"

using namespace memtrack;
using namespace memtrack::testing;

namespace {

constexpr std::int64_t kKb = 1024;

}  // namespace

TEST_CASE("memory of a threaded process is in bytes, its high-water mark and parts apart") {
  const auto status = parse_proc_status(kThreadedStatus);
  REQUIRE(status);
  CHECK(status->rss_bytes == 168960 * kKb);
  CHECK(status->rss_anon_bytes == 99840 * kKb);
  CHECK(status->rss_file_bytes == 69000 * kKb);
  CHECK(status->rss_shmem_bytes == 120 * kKb);
  CHECK(status->peak_rss_bytes == 224512 * kKb);
  CHECK(status->size_bytes == 853672 * kKb);
  CHECK(status->swap_bytes == 64 * kKb);
  CHECK(status->hugetlb_bytes == 2048 * kKb);
}

TEST_CASE("a zombie and a kernel thread have no memory to report") {
  CHECK_FALSE(parse_proc_status(kZombieStatus));
  CHECK_FALSE(parse_proc_status(kKernelThreadStatus));
  CHECK_FALSE(parse_proc_status(""));
}

TEST_CASE("what an older kernel does not say is unread, not zero") {
  const auto status = parse_proc_status(kStatus310);
  REQUIRE(status);
  CHECK(status->rss_bytes == 611928 * kKb);
  CHECK(status->peak_rss_bytes == 640200 * kKb);
  CHECK(status->swap_bytes == 12044 * kKb);
  CHECK_FALSE(status->rss_anon_bytes);
  CHECK_FALSE(status->rss_file_bytes);
  CHECK_FALSE(status->rss_shmem_bytes);
  CHECK_FALSE(status->hugetlb_bytes);
  const auto newer = parse_proc_status(kStatus44);
  REQUIRE(newer);
  CHECK(newer->rss_bytes == 5308 * kKb);
  CHECK(newer->hugetlb_bytes == 0);
  CHECK_FALSE(newer->rss_anon_bytes);
  Sample sample;
  parse_meminfo(kMeminfo310, sample);
  CHECK(sample.mem_total_bytes == 8010408 * kKb);
  CHECK(sample.sreclaimable_bytes == 352404 * kKb);
  CHECK_FALSE(sample.mem_available_bytes);
}

TEST_CASE("other processors have other lines between ours") {
  const auto status = parse_proc_status(kStatusArm);
  REQUIRE(status);
  CHECK(status->rss_bytes == 498816 * kKb);
  CHECK(status->rss_file_bytes == 96448 * kKb);
  Sample sample;
  parse_meminfo(kMeminfoArm, sample);
  CHECK(sample.active_bytes == 258736 * kKb);
  CHECK(sample.swap_total_bytes == 102396 * kKb);
  CHECK(sample.sreclaimable_bytes == 28844 * kKb);
}

TEST_CASE("a name that looks like a line is none") {
  const auto status = parse_proc_status(kOddNameStatus);
  REQUIRE(status);
  CHECK(status->rss_bytes == 2048 * kKb);
}

TEST_CASE("a figure in another unit, negative or too large is unread") {
  for (const char* value : {"12 MB", "12", "-3 kB", "x kB", "", "99999999999999999999 kB", "9223372036854775807 kB"}) {
    CAPTURE(value);
    CHECK_FALSE(parse_proc_status("VmRSS:\t" + std::string(value) + "\n"));
  }
}

TEST_CASE("the fields of stat are counted after the last bracket, since a name may hold anything") {
  for (const std::string name : {"cat", "a) b (c", ") S 1 (", "two words", "", "(((", "tab\tnew"}) {
    CAPTURE(name);
    const auto stat = parse_proc_stat(stat_line(name, 'S'));
    REQUIRE(stat);
    CHECK(stat->pid == 10585);
    CHECK(stat->name == name);
    CHECK(stat->state == 'S');
    CHECK(stat->parent_pid == 10580);
    CHECK(stat->children_minor_faults == 77);
    CHECK(stat->major_faults == 3);
    CHECK(stat->children_major_faults == 5);
    CHECK(stat->user_ticks == 120);
    CHECK(stat->system_ticks == 30);
    CHECK(stat->children_user_ticks == 40);
    CHECK(stat->children_system_ticks == 50);
    CHECK(stat->threads == 4);
    CHECK(stat->start_ticks == 349747);
  }
}

TEST_CASE("text that is no stat file is refused") {
  const std::string whole = stat_line("x", 'R');
  for (const std::string& text :
       {std::string(), std::string("12"), std::string("12 (x"), std::string("12 (x) "), std::string("x (x) R 1 2 3"),
        whole.substr(0, 40), std::string(") ("), std::string(" () ")}) {
    CAPTURE(text);
    CHECK_FALSE(parse_proc_stat(text));
  }
}

TEST_CASE("figures that no process can have make a stat file nonsense") {
  const std::string whole = stat_line("x", 'R');
  for (const auto& [from, to] : {std::pair{"10585 ", "-10585 "},
                                 {"10585 ", "99999999999 "},
                                 {" 10580 ", " -1 "},
                                 {" 120 ", " -120 "},
                                 {" 120 ", " 9223372036854775807 "},
                                 {" 4 0 ", " -4 0 "}}) {
    std::string text = whole;
    text.replace(text.find(from), std::string(from).size(), to);
    CAPTURE(text);
    CHECK_FALSE(parse_proc_stat(text));
  }
}

TEST_CASE("a zombie is alive only while other threads of its process run") {
  auto stat = parse_proc_stat(stat_line("x", 'Z'));
  REQUIRE(stat);
  CHECK(stat->is_alive());
  stat->threads = 1;
  CHECK_FALSE(stat->is_alive());
  stat->state = 'X';
  CHECK_FALSE(stat->is_alive());
  stat->state = 'D';
  CHECK(stat->is_alive());
}

TEST_CASE("children are a list of pids") {
  CHECK(parse_children("") == std::vector<pid_t>{});
  CHECK(parse_children("12 13 99999 ") == std::vector<pid_t>{12, 13, 99999});
  CHECK(parse_children("12 x 13") == std::vector<pid_t>{12});
  CHECK(parse_children("-1 0") == std::vector<pid_t>{});
  CHECK(parse_children("99999999999") == std::vector<pid_t>{});
}

TEST_CASE("meminfo fills the system columns, each with its own line") {
  Sample sample;
  parse_meminfo(kMeminfo, sample);
  CHECK(sample.mem_total_bytes == 24684096 * kKb);
  CHECK(sample.mem_free_bytes == 23792512 * kKb);
  CHECK(sample.mem_available_bytes == 24290916 * kKb);
  CHECK(sample.buffers_bytes == 1204 * kKb);
  CHECK(sample.cached_bytes == 668348 * kKb);
  CHECK(sample.sreclaimable_bytes == 111540 * kKb);
  CHECK(sample.shmem_bytes == 8788 * kKb);
  CHECK(sample.anon_bytes == 18372 * kKb);
  CHECK(sample.slab_bytes == 136096 * kKb);
  CHECK(sample.dirty_bytes == 436 * kKb);
  CHECK(sample.active_bytes == 426976 * kKb);
  CHECK(sample.swap_total_bytes == 4096 * kKb);
  CHECK(sample.swap_free_bytes == 2048 * kKb);
  CHECK_FALSE(sample.tree_rss_bytes);
}

TEST_CASE("a line that meminfo lacks leaves its column unread, and a torn one too") {
  Sample sample;
  parse_meminfo("MemTotal: 10 kB\nShmem: 3 kB\nMemFree", sample);
  CHECK(sample.mem_total_bytes == 10 * kKb);
  CHECK(sample.shmem_bytes == 3 * kKb);
  CHECK_FALSE(sample.mem_free_bytes);
  CHECK_FALSE(sample.mem_available_bytes);
}

TEST_CASE("pages on per-CPU lists are summed over zones and processors") {
  CHECK(parse_per_cpu_pages(kZoneinfo) == 4834);
  CHECK(parse_per_cpu_pages("") == std::nullopt);
  CHECK(parse_per_cpu_pages("Node 0, zone DMA\n  pages free 3\n") == std::nullopt);
  CHECK(parse_per_cpu_pages("   count: x\n") == std::nullopt);
  CHECK(parse_per_cpu_pages("   count: -1\n") == std::nullopt);
}

TEST_CASE("the processor's name is found on x86 and elsewhere") {
  CHECK(parse_cpu_model("processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nstepping\t: 1\n") == "AMD EPYC");
  CHECK(parse_cpu_model("processor\t: 0\nBogoMIPS\t: 108.00\nModel\t\t: Raspberry Pi 4\n") == "Raspberry Pi 4");
  CHECK(parse_cpu_model("processor : 0\n").empty());
}

TEST_CASE("the memory controller in force is told from the own cgroups") {
  CHECK(parse_cgroup_version("9:name=systemd:/\n4:memory:/a:b\n0::/\n", "") == 1);
  CHECK(parse_cgroup_version("3:cpu,cpuacct,memory:/\n", "memory") == 1);
  CHECK(parse_cgroup_version("0::/user.slice\n", "cpuset cpu io memory hugetlb pids\n") == 2);
  CHECK(parse_cgroup_version("0::/user.slice\n", "cpu pids\n") == std::nullopt);
  CHECK(parse_cgroup_version("4:memory2:/\n", "") == std::nullopt);
  CHECK(parse_cgroup_version("\n:\n::\n", "\n") == std::nullopt);
}

TEST_CASE("smaps_rollup: pss with its parts, and uss as the private pages") {
  const auto smaps = parse_smaps_rollup(kSmapsRollup);
  REQUIRE(smaps);
  CHECK(smaps->pss_bytes == 4242 * 1024);
  CHECK(smaps->pss_anon_bytes == 2264 * 1024);
  CHECK(smaps->pss_file_bytes == 1978 * 1024);
  CHECK(smaps->pss_shmem_bytes == 0);
  CHECK(smaps->uss_bytes == (1904 + 2296) * 1024);
}

TEST_CASE("smaps_rollup of a kernel before 5.3 has no parts, and an empty one nothing") {
  const auto smaps = parse_smaps_rollup(
      "560c3e5a8000-7ffd5a1fe000 ---p 00000000 00:00 0    [rollup]\nRss: 8 kB\nPss: 7 kB\nShared_Clean: 1 kB\n"
      "Shared_Dirty: 0 kB\nPrivate_Clean: 3 kB\nPrivate_Dirty: 4 kB\n");
  REQUIRE(smaps);
  CHECK(smaps->pss_bytes == 7 * 1024);
  CHECK(smaps->pss_anon_bytes == std::nullopt);
  CHECK(smaps->uss_bytes == 7 * 1024);
  CHECK(parse_smaps_rollup("") == std::nullopt);
  CHECK(parse_smaps_rollup("560c3e5a8000-7ffd5a1fe000 ---p 00000000 00:00 0    [rollup]\nRss: 8 kB\n") == std::nullopt);
}
