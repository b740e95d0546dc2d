#include "collector/process_tree.h"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace memtrack {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
// A look at every process of the machine costs milliseconds: at most this share of the time is spent on it.
constexpr int kFullLookShare = 10'000;
constexpr std::chrono::seconds kFullLookAtMost(1);
// Of a process with more threads than this, the children of all but the first are found by the full look alone.
constexpr std::size_t kMostThreadsFollowed = 64;

std::int64_t ticks_to_ns(std::int64_t ticks) {
  static const std::int64_t kNsPerTick = kNsPerSecond / sysconf(_SC_CLK_TCK);
  return ticks * kNsPerTick;
}

std::int64_t to_ns(const timeval& time) {
  return std::int64_t{time.tv_sec} * kNsPerSecond + time.tv_usec * 1000;
}

// A sum over processes, known only where each part is.
class Sum {
 public:
  void add(Reading part) {
    known_ = known_ && part.has_value();
    total_ += part.value_or(0);
    ++parts_;
  }
  Reading value() const { return known_ && parts_ > 0 ? Reading(total_) : std::nullopt; }

 private:
  bool known_ = true;
  std::int64_t total_ = 0;
  int parts_ = 0;
};

}  // namespace

ProcessTree::ProcessTree(ProcReader& reader, pid_t collector)
    : reader_(reader), collector_(new_process(collector)), next_full_look_(Clock::now() + kFullLookAtMost) {}

ProcessTree::Process ProcessTree::new_process(pid_t pid) const {
  Process process;
  process.id.pid = pid;
  process.stat = reader_.process_file(pid, "stat");
  process.status = reader_.process_file(pid, "status");
  return process;
}

void ProcessTree::read_into(Sample& sample, Clock::time_point now) {
  ++reading_;
  std::vector<pid_t> children;
  append_children(collector_, children);
  const bool kernel_lists_children = !collector_.children.empty();
  visit_with_descendants(std::move(children));
  if (!kernel_lists_children || now >= next_full_look_) {
    const Clock::time_point begin = Clock::now();
    look_at_every_process();
    next_full_look_ = now + std::max<Clock::duration>(kFullLookAtMost, kFullLookShare * (Clock::now() - begin));
  }
  visit_those_not_reached();
  sum_into(sample);
}

void ProcessTree::refresh(Clock::time_point now) {
  Sample unused;
  next_full_look_ = now;
  read_into(unused, now);
}

void ProcessTree::visit_with_descendants(std::vector<pid_t> pids) {
  while (!pids.empty()) {
    const pid_t pid = pids.back();
    pids.pop_back();
    if (Process* process = visit(pid)) {
      append_children(*process, pids);
    }
  }
}

// Reads the figures of the process that has this pid now. nullptr: it is gone, not of the tree, or was visited already.
ProcessTree::Process* ProcessTree::visit(pid_t pid) {
  if (const auto known = processes_.find(pid); known != processes_.end()) {
    if (known->second.reading == reading_) {
      return nullptr;
    }
    if (read_figures(known->second)) {
      return &known->second;
    }
    processes_.erase(known);
  }
  Process met = new_process(pid);
  if (!read_figures(met) || !is_of_tree(met.last.parent_pid)) {
    return nullptr;
  }
  ++high_water_.processes_seen;
  note_high_water(met, met.memory ? met.memory->peak_rss_bytes : std::nullopt);
  return &processes_.emplace(pid, std::move(met)).first->second;
}

// False: this process is gone.
bool ProcessTree::read_figures(Process& process) {
  const auto text = reader_.read(process.stat);
  auto stat = text ? parse_proc_stat(*text) : std::nullopt;
  if (!stat || (process.reading != 0 && process.id.start_ticks != stat->start_ticks)) {
    return false;
  }
  const bool is_known = process.reading != 0;
  process.id.start_ticks = stat->start_ticks;
  process.last = std::move(*stat);
  process.reading = reading_;
  process.memory.reset();
  if (!process.last.is_alive()) {
    return true;
  }
  const auto status = reader_.read(process.status);
  process.memory = status ? parse_proc_status(*status) : std::nullopt;
  if (process.memory && shares_memory_with_parent(process, *process.memory)) {
    process.memory.reset();
  }
  if (process.memory && is_known) {
    note_high_water(process, process.memory->peak_rss_bytes);
  }
  return true;
}

bool ProcessTree::is_of_tree(pid_t pid) const {
  return pid == collector_.id.pid || processes_.contains(pid);
}

// Between vfork and exec a child runs in its parent's memory, which would be counted twice.
bool ProcessTree::shares_memory_with_parent(const Process& process, const ProcStatus& memory) const {
  const auto parent = processes_.find(process.last.parent_pid);
  return parent != processes_.end() && parent->second.memory &&
         parent->second.memory->size_bytes == memory.size_bytes &&
         syscall(SYS_kcmp, process.last.parent_pid, process.id.pid, KCMP_VM, 0, 0) == 0;
}

// The children of every thread. The list of threads is made anew where their number is another.
void ProcessTree::append_children(Process& process, std::vector<pid_t>& pids) {
  const auto threads = static_cast<std::size_t>(std::max<std::int64_t>(process.last.threads, 0));
  if (process.children.empty() ||
      (threads > 0 && threads <= kMostThreadsFollowed && process.children.size() != threads)) {
    std::vector<pid_t> list = reader_.list_threads(process.id.pid);
    if (list.size() > kMostThreadsFollowed) {
      list = {process.id.pid};  // the first thread
    }
    process.children.clear();
    for (const pid_t thread : list) {
      process.children.push_back(reader_.thread_file(process.id.pid, thread, "children"));
    }
  }
  std::erase_if(process.children, [&](HeldFile& file) {
    const auto text = reader_.read(file);
    if (text) {
      const std::vector<pid_t> children = parse_children(*text);
      pids.insert(pids.end(), children.begin(), children.end());
    }
    return !text;
  });
}

// Whoever descends from the tree or from the collector, by the parents that every process names.
void ProcessTree::look_at_every_process() {
  std::multimap<pid_t, pid_t> children;
  for (const pid_t pid : reader_.list_processes()) {
    const auto known = processes_.find(pid);
    if (pid == collector_.id.pid || (known != processes_.end() && known->second.reading == reading_)) {
      continue;
    }
    if (const auto stat = reader_.read_stat(pid)) {
      children.emplace(stat->parent_pid, pid);
    }
  }
  std::vector<pid_t> parents = {collector_.id.pid};
  for (const auto& [pid, process] : processes_) {
    parents.push_back(pid);
  }
  while (!parents.empty()) {
    const auto [begin, end] = children.equal_range(parents.back());
    parents.pop_back();
    for (auto child = begin; child != end; ++child) {
      visit_with_descendants({child->second});
      parents.push_back(child->second);
    }
    children.erase(begin, end);
  }
}

// Once seen, a process stays until it is gone, whoever its parent is by now.
void ProcessTree::visit_those_not_reached() {
  std::vector<pid_t> pids;
  for (const auto& [pid, process] : processes_) {
    if (process.reading != reading_) {
      pids.push_back(pid);
    }
  }
  visit_with_descendants(std::move(pids));
}

void ProcessTree::note_high_water(Process& process, Reading bytes) {
  if (bytes && *bytes > process.high_water_bytes) {
    high_water_.sum_bytes = high_water_.sum_bytes.value_or(0) + *bytes - process.high_water_bytes;
    high_water_.largest_bytes = std::max(high_water_.largest_bytes.value_or(0), *bytes);
    process.high_water_bytes = *bytes;
  }
}

void ProcessTree::sum_into(Sample& sample) {
  living_.clear();
  Sum rss, anon, file, shmem, swap;
  std::int64_t threads = 0;
  std::int64_t cpu_ns = reaped_cpu_ns_;
  std::int64_t major_faults = reaped_major_faults_;
  for (const auto& [pid, process] : processes_) {
    const ProcStat& stat = process.last;
    // Waited-for children are in their parent's count, and so is what those had waited for.
    cpu_ns += ticks_to_ns(stat.user_ticks + stat.system_ticks + stat.children_user_ticks + stat.children_system_ticks);
    major_faults += stat.major_faults + stat.children_major_faults;
    if (!stat.is_alive()) {
      continue;
    }
    living_.push_back(process.id);
    threads += stat.threads;
    if (process.memory) {
      rss.add(process.memory->rss_bytes);
      anon.add(process.memory->rss_anon_bytes);
      file.add(process.memory->rss_file_bytes);
      shmem.add(process.memory->rss_shmem_bytes);
      swap.add(process.memory->swap_bytes);
    }
  }
  sample.tree_rss_bytes = rss.value();
  sample.tree_rss_anon_bytes = anon.value();
  sample.tree_rss_file_bytes = file.value();
  sample.tree_rss_shmem_bytes = shmem.value();
  sample.tree_swap_bytes = swap.value();
  sample.process_count = static_cast<std::int64_t>(living_.size());
  sample.thread_count = threads;
  // A process that ends between two reads is missing for a moment: what is cumulative does not fall.
  sample.cpu_ns = last_cpu_ns_ = std::max(last_cpu_ns_, cpu_ns);
  sample.tree_major_faults = last_major_faults_ = std::max(last_major_faults_, major_faults);
}

void ProcessTree::add_reaped(pid_t pid, const rusage& usage) {
  if (processes_.erase(pid) == 0) {
    ++high_water_.processes_seen;
  }
  reaped_cpu_ns_ += to_ns(usage.ru_utime) + to_ns(usage.ru_stime);
  reaped_major_faults_ += usage.ru_majflt;
}

}  // namespace memtrack
