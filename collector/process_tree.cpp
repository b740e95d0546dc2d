#include "collector/process_tree.h"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace memtrack {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
// A look at every process of the machine costs milliseconds: at most this share of the time is spent on it.
constexpr int kFullLookShare = 10'000;
constexpr std::chrono::seconds kFullLookAtMost(1);
constexpr std::chrono::seconds kLookBothWaysAtMost(1);
// The list of a v1 cgroup costs as much as asking that many threads for their children.
constexpr std::int64_t kThreadsWorthAList = 25;
// Of a process with more threads than this, the children of all but the first are found by the full look alone.
constexpr std::size_t kMostThreadsFollowed = 64;

std::int64_t to_ns(const timeval& time) {
  return std::int64_t{time.tv_sec} * kNsPerSecond + time.tv_usec * 1000;
}

std::chrono::nanoseconds thread_cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

ProcessTree::ProcessTree(ProcReader& reader, TreeRoot root, const TrialCgroup* cgroup)
    : reader_(reader),
      root_(std::move(root)),
      cgroup_(cgroup),
      collector_(new_process(root_.process.pid)),
      next_full_look_(Clock::now() + kFullLookAtMost) {}

ProcessTree::Process ProcessTree::new_process(pid_t pid) const {
  Process process;
  process.id.pid = pid;
  process.stat = reader_.process_file(pid, "stat");
  process.status = reader_.process_file(pid, "status");
  return process;
}

void ProcessTree::read_into(Sample& sample, Clock::time_point now) {
  time_ns_ = sample.time_ns;
  find(now);
  sum_tree(processes_, reaped_, sample);
  // A process that ends between two reads is missing for a moment: what is cumulative does not fall.
  sample.cpu_ns = last_cpu_ns_ = std::max(last_cpu_ns_, sample.cpu_ns.value_or(0));
  sample.tree_major_faults = last_major_faults_ = std::max(last_major_faults_, sample.tree_major_faults.value_or(0));
}

void ProcessTree::refresh(Clock::time_point now) {
  reads_memory_ = false;
  next_full_look_ = next_look_both_ways_ = now;
  find(now);
  reads_memory_ = true;
}

void ProcessTree::find(Clock::time_point now) {
  const std::chrono::nanoseconds begin = thread_cpu_time();
  std::chrono::nanoseconds look{};
  ++reading_;
  const bool looks_both_ways = now >= next_look_both_ways_;
  std::vector<pid_t> members;
  if (cgroup_ != nullptr && (looks_both_ways || is_list_cheaper())) {
    members = cgroup_->processes();
  }
  bool are_listed = !members.empty();
  if (!are_listed || looks_both_ways) {
    are_listed = visit_from_root() || are_listed;
  }
  if (looks_both_ways) {
    next_look_both_ways_ = now + kLookBothWaysAtMost;
  }
  for (const pid_t pid : members) {
    visit(pid, Belonging::certain);
  }
  if (!are_listed || now >= next_full_look_) {
    const std::chrono::nanoseconds look_begin = thread_cpu_time();
    look_at_every_process();
    look = thread_cpu_time() - look_begin;
    next_full_look_ = now + std::max<Clock::duration>(kFullLookAtMost, kFullLookShare * look);
  }
  visit_those_not_reached();
  living_.clear();
  threads_ = 0;
  for (const auto& [pid, process] : processes_) {
    if (process.last.is_alive()) {
      living_.push_back(process.id);
      threads_ += process.last.threads;
    }
  }
  cost_ = thread_cpu_time() - begin - (are_listed ? look : std::chrono::nanoseconds(0));
}

// True where the kernel lists the root's children, as far as there is a root still.
bool ProcessTree::visit_from_root() {
  if (root_.is_counted) {
    visit_with_descendants({root_.process.pid});
    const auto root = processes_.find(root_.process.pid);
    return root == processes_.end() || !root->second.children.empty();
  }
  std::vector<pid_t> children;
  append_children(collector_, children);
  visit_with_descendants(std::move(children));
  return !collector_.children.empty();
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
ProcessTree::Process* ProcessTree::visit(pid_t pid, Belonging belonging) {
  if (std::find(root_.left_out.begin(), root_.left_out.end(), pid) != root_.left_out.end()) {
    return nullptr;
  }
  if (const auto known = processes_.find(pid); known != processes_.end()) {
    if (known->second.reading == reading_) {
      return nullptr;
    }
    if (read_figures(known->second)) {
      return &known->second;
    }
    forget(known);
  }
  Process met = new_process(pid);
  if (!read_figures(met) || (belonging == Belonging::by_parent && !is_of_tree(met))) {
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
  if (reads_memory_) {
    read_memory(process, is_known);
  }
  return true;
}

void ProcessTree::read_memory(Process& process, bool is_known) {
  const auto text = process.last.is_alive() ? reader_.read(process.status) : std::nullopt;
  auto memory = text ? parse_proc_status(*text) : std::nullopt;
  if (memory && shares_memory_with_parent(process, *memory)) {
    memory.reset();
  }
  if (!memory) {
    rows_.keep_last(process);
  }
  process.memory = memory;
  process.smaps.reset();
  process.ended_before_smaps = false;
  if (process.memory) {
    process.read_time_ns = time_ns_;
    if (is_known) {
      note_high_water(process, process.memory->peak_rss_bytes);
    }
  }
}

void ProcessTree::forget(std::map<pid_t, Process>::iterator process) {
  rows_.keep_last(process->second);
  // Reaped by somebody who is not of an attached tree: no parent's count holds what it used.
  if (root_.is_counted && !is_parent_of_tree(process->second.last.parent_pid)) {
    reaped_ += usage_of(process->second.last);
  }
  processes_.erase(process);
}

bool ProcessTree::is_of_tree(const Process& process) const {
  return (root_.is_counted && process.id == root_.process) || is_parent_of_tree(process.last.parent_pid);
}

bool ProcessTree::is_parent_of_tree(pid_t pid) const {
  return (!root_.is_counted && pid == root_.process.pid) || processes_.contains(pid);
}

bool ProcessTree::is_list_cheaper() const {
  const bool kernel_lists_children = !collector_.children.empty();
  return cgroup_->version() == 2 || threads_ > kThreadsWorthAList || !kernel_lists_children;
}

// Between vfork and exec a child runs in its parent's memory, which would be counted twice.
bool ProcessTree::shares_memory_with_parent(Process& process, const ProcStatus& memory) const {
  if (process.has_own_memory) {
    return false;
  }
  const auto parent = processes_.find(process.last.parent_pid);
  const bool may_share =
      parent != processes_.end() && parent->second.memory && parent->second.memory->size_bytes == memory.size_bytes;
  const long order = may_share ? syscall(SYS_kcmp, process.last.parent_pid, process.id.pid, KCMP_VM, 0, 0) : -1;
  process.has_own_memory = order > 0;
  return order == 0;
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
    if ((!root_.is_counted && pid == root_.process.pid) ||
        (known != processes_.end() && known->second.reading == reading_)) {
      continue;
    }
    if (const auto stat = reader_.read_stat(pid)) {
      children.emplace(stat->parent_pid, pid);
    }
  }
  std::vector<pid_t> parents = {root_.process.pid};
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

std::chrono::nanoseconds ProcessTree::expected_pss_cost(const PssBudget& budget) const {
  std::chrono::nanoseconds cost{};
  for (const auto& [pid, process] : processes_) {
    cost += process.memory ? budget.expected(process.memory->rss_bytes) : std::chrono::nanoseconds(0);
  }
  return cost;
}

bool ProcessTree::read_pss_into(Sample& sample, PssBudget& budget) {
  for (const auto& [pid, process] : processes_) {
    if (process.memory && budget.is_too_long(process.memory->rss_bytes)) {
      return false;
    }
  }
  const std::chrono::nanoseconds begin = thread_cpu_time();
  for (auto& [pid, process] : processes_) {
    if (!process.memory) {
      continue;
    }
    const std::chrono::nanoseconds read_begin = thread_cpu_time();
    SmapsReading reading = reader_.read_smaps(pid);
    budget.note_read(process.memory->rss_bytes, thread_cpu_time() - read_begin);
    // The descriptor of old fails where the pid is another process's by now.
    process.ended_before_smaps = !reading.is_refused && (!reading.figures || !reader_.read(process.stat));
    if (!process.ended_before_smaps) {
      process.smaps = reading.figures;
    }
  }
  budget.note_pass(thread_cpu_time() - begin);
  sum_pss(processes_, sample);
  return true;
}

void ProcessTree::add_reaped(pid_t pid, const rusage& usage) {
  if (const auto process = processes_.find(pid); process != processes_.end()) {
    rows_.keep_last(process->second);
    processes_.erase(process);
  } else {
    ++high_water_.processes_seen;
  }
  reaped_ += {.cpu_ns = to_ns(usage.ru_utime) + to_ns(usage.ru_stime), .major_faults = usage.ru_majflt};
}

}  // namespace memtrack
