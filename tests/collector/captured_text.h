#pragma once

// Texts of /proc and /sys/fs/cgroup as kernels of several versions write them; lines that nobody reads are left out of
// some. Figures are of a process or machine at work, and different from line to line.

#include <string>
#include <string_view>
#include <vector>

namespace memtrack::testing {

// Linux 6.18, a Python program of 17 threads.
inline constexpr std::string_view kThreadedStatus =
    "Name:\tpython3\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t812\nPid:\t812\nPPid:\t800\nTracerPid:\t0\n"
    "VmPeak:\t  919208 kB\nVmSize:\t  853672 kB\nVmLck:\t       0 kB\nVmPin:\t       0 kB\nVmHWM:\t  224512 kB\n"
    "VmRSS:\t  168960 kB\nRssAnon:\t   99840 kB\nRssFile:\t   69000 kB\nRssShmem:\t     120 kB\nVmData:\t  412004 kB\n"
    "VmStk:\t     132 kB\nVmSwap:\t      64 kB\nHugetlbPages:\t    2048 kB\nCoreDumping:\t0\nThreads:\t17\n"
    "SigQ:\t0/96365\n";

// Linux 6.18, all of it.
inline constexpr std::string_view kWholeStatus =
    "Name:\tcat\nUmask:\t0022\nState:\tR (running)\nTgid:\t25559\nNgid:\t0\nPid:\t25559\nPPid:\t25552\nTracerPid:\t0\n"
    "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t256\nGroups:\t \nNStgid:\t25559\nNSpid:\t25559\nNSpgid:\t25552\n"
    "NSsid:\t29420\nKthread:\t0\nVmPeak:\t    3060 kB\nVmSize:\t    3056 kB\nVmLck:\t       0 kB\nVmPin:\t       0 kB\n"
    "VmHWM:\t    1708 kB\nVmRSS:\t    1704 kB\nRssAnon:\t     112 kB\nRssFile:\t    1592 kB\nRssShmem:\t       0 kB\n"
    "VmData:\t     360 kB\nVmStk:\t     132 kB\nVmExe:\t      20 kB\nVmLib:\t    1528 kB\nVmPTE:\t      44 kB\n"
    "VmSwap:\t       0 kB\nHugetlbPages:\t       0 kB\nCoreDumping:\t0\nTHP_enabled:\t1\n"
    "untag_mask:\t0xffffffffffffffff\nThreads:\t1\nSigQ:\t0/96365\nSigPnd:\t0000000000000000\n"
    "ShdPnd:\t0000000000000000\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n"
    "CapInh:\t0000000000000000\nCapPrm:\t000001fffeffffff\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n"
    "Speculation_Store_Bypass:\tvulnerable\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\nMems_allowed:\t00000000,"
    "00000001\n"
    "Mems_allowed_list:\t0\nvoluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t1\n";

inline constexpr std::string_view kZombieStatus =
    "Name:\tsh\nState:\tZ (zombie)\nTgid:\t9\nPid:\t9\nPPid:\t1\nFDSize:\t0\nThreads:\t1\nSigQ:\t0/96365\n";

inline constexpr std::string_view kKernelThreadStatus =
    "Name:\tkworker/0:0\nState:\tI (idle)\nTgid:\t7\nPid:\t7\nPPid:\t2\nKthread:\t1\nThreads:\t1\nSigQ:\t0/96365\n";

// A name may hold anything; the kernel escapes what would end the line.
inline constexpr std::string_view kOddNameStatus =
    "Name:\tVmRSS:\\n 1 kB\nState:\tS (sleeping)\nPid:\t31\nPPid:\t1\nVmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\n"
    "Threads:\t1\n";

// Linux 3.10: no parts of VmRSS, no hugetlb pages.
inline constexpr std::string_view kStatus310 =
    "Name:\tjava\nState:\tS (sleeping)\nTgid:\t2211\nNgid:\t0\nPid:\t2211\nPPid:\t1\nTracerPid:\t0\n"
    "Uid:\t500\t500\t500\t500\nGid:\t500\t500\t500\t500\nFDSize:\t512\nGroups:\t500 \nVmPeak:\t 3802408 kB\n"
    "VmSize:\t 3799036 kB\nVmLck:\t       0 kB\nVmPin:\t       0 kB\nVmHWM:\t  640200 kB\nVmRSS:\t  611928 kB\n"
    "VmData:\t 3642596 kB\nVmStk:\t     136 kB\nVmExe:\t       4 kB\nVmLib:\t   16628 kB\nVmPTE:\t    1592 kB\n"
    "VmSwap:\t   12044 kB\nThreads:\t48\nSigQ:\t0/31193\nSigPnd:\t0000000000000000\n";

// Linux 4.4: hugetlb pages, still no parts.
inline constexpr std::string_view kStatus44 =
    "Name:\tperl\nState:\tR (running)\nTgid:\t977\nNgid:\t0\nPid:\t977\nPPid:\t900\nTracerPid:\t0\nVmPeak:\t   24012 "
    "kB\n"
    "VmSize:\t   24008 kB\nVmHWM:\t    5312 kB\nVmRSS:\t    5308 kB\nVmData:\t    1220 kB\nVmStk:\t     132 kB\n"
    "VmPTE:\t      68 kB\nVmPMD:\t      12 kB\nVmSwap:\t       0 kB\nHugetlbPages:\t       0 kB\nThreads:\t1\n";

// Linux 5.10, 64-bit ARM.
inline constexpr std::string_view kStatusArm =
    "Name:\ttrain\nUmask:\t0002\nState:\tD (disk sleep)\nTgid:\t1500\nPid:\t1500\nPPid:\t1499\nVmPeak:\t  902112 kB\n"
    "VmSize:\t  901984 kB\nVmHWM:\t  511104 kB\nVmRSS:\t  498816 kB\nRssAnon:\t  402304 kB\nRssFile:\t   96448 kB\n"
    "RssShmem:\t      64 kB\nVmSwap:\t       0 kB\nHugetlbPages:\t       0 kB\nCoreDumping:\t0\nTHP_enabled:\t1\n"
    "Threads:\t4\nSpeculation_Store_Bypass:\tthread vulnerable\n";

inline constexpr std::string_view kSmapsRollup =
    "55f0a4e2b000-7ffe2b3f0000 ---p 00000000 00:00 0                          [rollup]\n"
    "Rss:                9612 kB\nPss:                4242 kB\nPss_Dirty:          2296 kB\n"
    "Pss_Anon:           2264 kB\nPss_File:           1978 kB\nPss_Shmem:             0 kB\n"
    "Shared_Clean:       5412 kB\nShared_Dirty:          0 kB\nPrivate_Clean:      1904 kB\n"
    "Private_Dirty:      2296 kB\nReferenced:         9612 kB\nAnonymous:          2264 kB\nSwap: 0 kB\n";

inline constexpr std::string_view kMeminfo =
    "MemTotal:       24684096 kB\nMemFree:        23792512 kB\nMemAvailable:   24290916 kB\nBuffers:            1204 "
    "kB\n"
    "Cached:           668348 kB\nSwapCached:            0 kB\nActive:           426976 kB\nInactive:         243752 "
    "kB\n"
    "Active(anon):       1532 kB\nSwapTotal:          4096 kB\nSwapFree:           2048 kB\nDirty:               436 "
    "kB\n"
    "AnonPages:         18372 kB\nMapped:            10776 kB\nShmem:              8788 kB\n"
    "KReclaimable:     111540 kB\nSlab:             136096 kB\nSReclaimable:     111540 kB\n"
    "SUnreclaim:        24556 kB\nHugePages_Total:       0\n";

// Linux 3.10: what is available is not said.
inline constexpr std::string_view kMeminfo310 =
    "MemTotal:        8010408 kB\nMemFree:          176144 kB\nBuffers:           80404 kB\nCached:          5242880 "
    "kB\n"
    "SwapCached:         4404 kB\nActive:          4380472 kB\nInactive:        2808192 kB\nSwapTotal:       2097148 "
    "kB\n"
    "SwapFree:        2031616 kB\nDirty:               112 kB\nWriteback:             0 kB\nAnonPages:       1861260 "
    "kB\n"
    "Mapped:            91140 kB\nShmem:            200412 kB\nSlab:             410316 kB\nSReclaimable:     352404 "
    "kB\n"
    "SUnreclaim:        57912 kB\nHugePages_Total:       0\nHugepagesize:       2048 kB\n";

// Linux 6.1, 32-bit ARM: high and low memory, and memory for devices.
inline constexpr std::string_view kMeminfoArm =
    "MemTotal:        3930916 kB\nMemFree:         2720736 kB\nMemAvailable:    3403536 kB\nBuffers:           61852 "
    "kB\n"
    "Cached:           748216 kB\nSwapCached:            0 kB\nActive:           258736 kB\nInactive:         771436 "
    "kB\n"
    "HighTotal:       3211264 kB\nHighFree:        2148268 kB\nLowTotal:         719652 kB\nLowFree:          572468 "
    "kB\n"
    "SwapTotal:        102396 kB\nSwapFree:         102396 kB\nDirty:                28 kB\nAnonPages:        220172 "
    "kB\n"
    "Mapped:           183160 kB\nShmem:             29964 kB\nKReclaimable:      28844 kB\nSlab:              52028 "
    "kB\n"
    "SReclaimable:      28844 kB\nCmaTotal:         327680 kB\nCmaFree:          319044 kB\n";

inline constexpr std::string_view kZoneinfo =
    "Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 2025\n  pages free     3840\n  pagesets\n"
    "    cpu: 0\n              count:    5\n              high:     0\n              batch:    1\n"
    "  vm stats threshold: 4\n    cpu: 1\n              count:    7\n              high:     0\n"
    "Node 0, zone   Normal\n  pagesets\n    cpu: 0\n              count:    4822\n";

inline constexpr std::string_view kCpuinfo =
    "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nstepping\t: 1\n";

inline constexpr std::string_view kOwnCgroups =
    "9:name=systemd:/\n4:cpu,memory:/work/shift\n2:cpuacct:/\n0::/user.slice/user-1000.slice/session-2.scope\n";
inline constexpr std::string_view kControllers = "cpuset cpu io memory hugetlb pids\n";
inline constexpr std::string_view kCgroupProcs = "12\n7\n0\n40123\n";
inline constexpr std::string_view kMemoryEvents = "low 0\nhigh 0\nmax 21\noom 2\noom_kill 1\noom_group_kill 0\n";
inline constexpr std::string_view kOomControl = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
inline constexpr std::string_view kMemoryCurrent = "209715200\n";

inline std::string stat_line(const std::string& name, char state) {
  return "10585 (" + name + ") " + state +
         " 10580 10580 4574 0 -1 4194304 101 77 3 5 120 30 40 50 20 0 4 0 349747 3133440 394 18446744073709551615 1 1 "
         "0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
}

inline std::vector<std::string> captured_texts() {
  std::vector<std::string> texts;
  for (const std::string_view text :
       {kThreadedStatus, kWholeStatus, kZombieStatus, kKernelThreadStatus, kOddNameStatus, kStatus310,  kStatus44,
        kStatusArm,      kMeminfo,     kMeminfo310,   kMeminfoArm,         kZoneinfo,      kCpuinfo,    kOwnCgroups,
        kControllers,    kCgroupProcs, kMemoryEvents, kOomControl,         kMemoryCurrent, kSmapsRollup}) {
    texts.emplace_back(text);
  }
  for (const char* name : {"cat", "a) b (c", ") S 1 (", "two words", ""}) {
    texts.push_back(stat_line(name, 'S'));
  }
  texts.push_back("12 13 99999 ");  // children
  return texts;
}

}  // namespace memtrack::testing
