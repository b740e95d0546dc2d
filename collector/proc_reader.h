#pragma once

// Reads files of /proc. A process that is gone is ordinary: nullopt. A process is gone in three ways: ENOENT at open,
// ESRCH on a descriptor opened earlier, a zombie whose status has no Vm lines.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/proc_text.h"
#include "storage/file_descriptor.h"
#include "storage/sample.h"

namespace memtrack {

// A file that is read over and over. Its descriptor is held open, since opening costs as much as reading; one that was
// opened for a process stays with that process: when it is gone, so is the file, though the pid may live on.
class HeldFile {
 public:
  HeldFile() = default;
  explicit HeldFile(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

 private:
  friend class ProcReader;
  std::string path_;
  FileDescriptor descriptor_;
};

struct SmapsReading {
  std::optional<ProcSmaps> figures = {};
  bool is_refused = false;  // there, and not to be read; else, without figures: gone
};

class ProcReader {
 public:
  // `root`: /proc, or a tree that looks like it.
  explicit ProcReader(std::filesystem::path root = "/proc");

  // The system columns of a sample, from meminfo.
  void read_system(Sample& sample);
  // Free pages on the per-CPU lists, from zoneinfo.
  Reading read_per_cpu_free_bytes();

  HeldFile process_file(pid_t pid, std::string_view name) const;               // "stat"
  HeldFile thread_file(pid_t pid, pid_t thread, std::string_view name) const;  // "children"

  // All of the file's text, good until the next call. nullopt: it is not there or not to be read.
  std::optional<std::string_view> read(HeldFile& file);
  // Opened and closed.
  std::optional<std::string> read_once(std::string_view name);
  std::optional<ProcStat> read_stat(pid_t pid);
  std::optional<ProcStatus> read_memory(pid_t pid);
  // Walks the page tables of the process under its mmap lock: some 10 ms a GiB.
  SmapsReading read_smaps(pid_t pid);

  std::vector<pid_t> list_processes() const;
  std::vector<pid_t> list_threads(pid_t pid) const;

 private:
  // Some files (zoneinfo) come in pieces, whatever the size of the buffer; of the others a short read is all.
  enum class Pieces { one, many };
  std::optional<std::string_view> read(HeldFile& file, Pieces pieces);

  std::filesystem::path root_;
  std::string buffer_;
  HeldFile meminfo_;
  HeldFile zoneinfo_;
  int highest_held_;  // descriptors above it are closed after each read, so that there are always some left
};

}  // namespace memtrack
