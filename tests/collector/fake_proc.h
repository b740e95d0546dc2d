#pragma once

// A folder that looks like /proc.

#include <sys/types.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/temporary_directory.h"

namespace memtrack::testing {

class FakeProc {
 public:
  struct Process {
    std::string name = "worker";
    char state = 'S';
    long user_ticks = 10;
    long children_user_ticks = 0;
    long start_ticks = 1000;
    long rss_kb = 100;
    long peak_kb = 150;
    int threads = 1;
  };

  const std::filesystem::path& path() const { return folder_.path(); }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    // A new file, so that a descriptor of the old one stays with the old, as it is with processes.
    std::filesystem::remove(folder_ / name);
    std::ofstream(folder_ / name) << text;
  }

  void add(pid_t pid, pid_t parent, const std::string& children, const Process& process) const {
    const std::string folder = std::to_string(pid);
    write(folder + "/stat",
          folder + " (" + process.name + ") " + process.state + " " + std::to_string(parent) + " 1 1 0 -1 0 5 0 1 0 " +
              std::to_string(process.user_ticks) + " 5 " + std::to_string(process.children_user_ticks) + " 0 20 0 " +
              std::to_string(process.threads) + " 0 " + std::to_string(process.start_ticks) + " 4096 25 0\n");
    const std::string rss = std::to_string(process.rss_kb);
    write(folder + "/status", process.state == 'Z'
                                  ? "Name:\tworker\nState:\tZ (zombie)\nThreads:\t1\n"
                                  : "Name:\tworker\nVmSize:\t " + folder + " kB\nVmHWM:\t" +
                                        std::to_string(process.peak_kb) + " kB\nVmRSS:\t" + rss + " kB\nRssAnon:\t" +
                                        rss + " kB\nRssFile:\t0 kB\nRssShmem:\t0 kB\nVmSwap:\t1 kB\nThreads:\t" +
                                        std::to_string(process.threads) + "\n");
    write(folder + "/task/" + folder + "/children", children);
  }
  // pss_kb of both private and anonymous memory.
  void add_smaps(pid_t pid, long pss_kb) const {
    const std::string pss = std::to_string(pss_kb);
    write(std::to_string(pid) + "/smaps_rollup", "1000-2000 ---p 00000000 00:00 0    [rollup]\nPss: " + pss +
                                                     " kB\nPss_Anon: " + pss +
                                                     " kB\nPss_File: 0 kB\nPss_Shmem: 0 kB\nPrivate_Clean: 0 "
                                                     "kB\nPrivate_Dirty: " +
                                                     pss + " kB\n");
  }

  void add(pid_t pid, pid_t parent, const std::string& children) const { add(pid, parent, children, Process{}); }

  void remove(pid_t pid) const { std::filesystem::remove_all(folder_ / std::to_string(pid)); }

 private:
  TemporaryDirectory folder_;
};

}  // namespace memtrack::testing
