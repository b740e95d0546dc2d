#include "collector/proc_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace memtrack {
namespace {

constexpr std::size_t kBufferBytes = 16384;
// Where one read can return less than all: the kernel prepares a page of whole records at a time.
constexpr std::size_t kShortRead = 3500;
constexpr int kDescriptorsKeptFree = 64;

int highest_held_descriptor() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 256;
  }
  const rlim_t most = std::min<rlim_t>(limit.rlim_cur, 65536);
  return static_cast<int>(most) - kDescriptorsKeptFree;
}

// The names in a folder that are whole numbers.
std::vector<pid_t> list_numbers(const std::filesystem::path& folder) {
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(folder.c_str()), closedir);
  if (!directory) {
    return numbers;
  }
  while (const dirent* entry = readdir(directory.get())) {
    if (const Reading number = parse_integer(entry->d_name)) {
      numbers.push_back(static_cast<pid_t>(*number));
    }
  }
  return numbers;
}

}  // namespace

ProcReader::ProcReader(std::filesystem::path root)
    : root_(std::move(root)),
      buffer_(kBufferBytes, '\0'),
      meminfo_(root_ / "meminfo"),
      zoneinfo_(root_ / "zoneinfo"),
      highest_held_(highest_held_descriptor()) {}

void ProcReader::read_system(Sample& sample) {
  if (const auto text = read(meminfo_)) {
    parse_meminfo(*text, sample);
  }
}

Reading ProcReader::read_per_cpu_free_bytes() {
  const auto text = read(zoneinfo_, Pieces::many);
  const Reading pages = text ? parse_per_cpu_pages(*text) : std::nullopt;
  return pages ? Reading(*pages * sysconf(_SC_PAGESIZE)) : std::nullopt;
}

HeldFile ProcReader::process_file(pid_t pid, std::string_view name) const {
  return HeldFile(root_ / std::to_string(pid) / name);
}

HeldFile ProcReader::thread_file(pid_t pid, pid_t thread, std::string_view name) const {
  return HeldFile(root_ / std::to_string(pid) / "task" / std::to_string(thread) / name);
}

std::optional<std::string_view> ProcReader::read(HeldFile& file) {
  return read(file, Pieces::one);
}

std::optional<std::string_view> ProcReader::read(HeldFile& file, Pieces pieces) {
  if (!file.descriptor_) {
    file.descriptor_ = FileDescriptor(open(file.path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.descriptor_) {
      return std::nullopt;
    }
  }
  std::size_t length = 0;
  for (;;) {
    const ssize_t count =
        pread(file.descriptor_.get(), buffer_.data() + length, buffer_.size() - length, static_cast<off_t>(length));
    if (count < 0) {
      const int error = errno;
      file.descriptor_.reset();
      errno = error;
      return std::nullopt;
    }
    length += static_cast<std::size_t>(count);
    if (count == 0 || (pieces == Pieces::one && static_cast<std::size_t>(count) < kShortRead)) {
      break;
    }
    if (length == buffer_.size()) {
      buffer_.resize(2 * buffer_.size());
    }
  }
  if (file.descriptor_.get() > highest_held_) {
    file.descriptor_.reset();
  }
  return std::string_view(buffer_).substr(0, length);
}

std::optional<std::string> ProcReader::read_once(std::string_view name) {
  HeldFile file(root_ / name);
  const auto text = read(file, Pieces::many);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::optional<ProcStat> ProcReader::read_stat(pid_t pid) {
  HeldFile file = process_file(pid, "stat");
  const auto text = read(file);
  return text ? parse_proc_stat(*text) : std::nullopt;
}

std::optional<ProcStatus> ProcReader::read_memory(pid_t pid) {
  HeldFile file = process_file(pid, "status");
  const auto text = read(file);
  return text ? parse_proc_status(*text) : std::nullopt;
}

SmapsReading ProcReader::read_smaps(pid_t pid) {
  HeldFile file = process_file(pid, "smaps_rollup");
  const auto text = read(file);
  if (text) {
    return {.figures = parse_smaps_rollup(*text)};
  }
  return {.is_refused = errno != ENOENT && errno != ESRCH};
}

std::vector<pid_t> ProcReader::list_processes() const {
  return list_numbers(root_);
}

std::vector<pid_t> ProcReader::list_threads(pid_t pid) const {
  return list_numbers(root_ / std::to_string(pid) / "task");
}

}  // namespace memtrack
