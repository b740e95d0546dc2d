#include "tools/doctor_facts.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "collector/cgroup.h"
#include "collector/host.h"
#include "collector/proc_reader.h"
#include "collector/process_tree.h"
#include "datasets/catalog.h"
#include "datasets/dataset.h"
#include "storage/database.h"
#include "storage/paths.h"
#include "storage/trial_lock.h"
#include "tools/running_daemon.h"
#include "tools/terminal.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTriedTicks = 200;
constexpr std::chrono::milliseconds kTriedInterval(1);
constexpr int kTriedProcesses = 4;
constexpr int kTriedReadings = 30;
constexpr std::chrono::milliseconds kBetweenReadings(5);

std::string first_line_of(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

bool has_pidfd() {
  const FileDescriptor self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  return static_cast<bool>(self);
}

std::int64_t most_open_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_max, std::int64_t{1} << 40));
}

// The options of the mount at /proc, those of its super block too: "rw,relatime,rw,hidepid=invisible".
std::string proc_mount_options() {
  std::ifstream mountinfo("/proc/self/mountinfo");
  for (std::string line; std::getline(mountinfo, line);) {
    std::istringstream words(line);
    std::string skipped, mount_point, options;
    words >> skipped >> skipped >> skipped >> skipped >> mount_point >> options;
    if (mount_point == "/proc") {
      return options + "," + line.substr(line.rfind(' ') + 1);
    }
  }
  return "";
}

TimerFacts try_timer() {
  TimerFacts facts{.clock_source = first_line_of("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
                   .slack_ns = parse_integer(first_line_of("/proc/self/timerslack_ns")),
                   .interval = kTriedInterval};
  const FileDescriptor timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  const Clock::time_point begin = Clock::now();
  const std::chrono::nanoseconds first = begin.time_since_epoch() + kTriedInterval;
  const itimerspec times{
      .it_interval = {.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(kTriedInterval).count()},
      .it_value = {.tv_sec = first.count() / 1'000'000'000, .tv_nsec = first.count() % 1'000'000'000}};
  if (!timer || timerfd_settime(timer.get(), TFD_TIMER_ABSTIME, &times, nullptr) != 0) {
    return facts;
  }
  std::vector<std::chrono::nanoseconds> late;
  for (std::int64_t tick = 0; tick < kTriedTicks;) {
    std::uint64_t expirations = 0;
    if (read(timer.get(), &expirations, sizeof expirations) != sizeof expirations) {
      return facts;
    }
    late.push_back(Clock::now() - (begin + kTriedInterval * (tick + 1)));  // of the first that was waited for
    tick += static_cast<std::int64_t>(expirations);
  }
  std::sort(late.begin(), late.end());
  facts.ticks = kTriedTicks;
  facts.median_late = late[late.size() / 2];
  facts.largest_late = late.back();
  return facts;
}

// Processes that wait to be measured; gone at the end.
class WaitingChildren {
 public:
  explicit WaitingChildren(int count) {
    for (int i = 0; i < count; ++i) {
      const pid_t parent = getpid();
      const pid_t child = fork();
      if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == parent) {
          pause();
        }
        _exit(0);
      }
      if (child > 0) {
        pids_.push_back(child);
      }
    }
  }
  ~WaitingChildren() {
    for (const pid_t pid : pids_) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }
  WaitingChildren(const WaitingChildren&) = delete;
  WaitingChildren& operator=(const WaitingChildren&) = delete;

  std::size_t count() const { return pids_.size(); }

 private:
  std::vector<pid_t> pids_;
};

std::chrono::nanoseconds thread_cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

CostFacts try_reading() {
  const WaitingChildren children(kTriedProcesses);
  ProcReader reader;
  ProcessTree tree(reader, getpid());
  std::chrono::nanoseconds cpu{};
  std::int64_t processes = 0;
  for (int i = 0; i <= kTriedReadings; ++i) {
    std::this_thread::sleep_for(kBetweenReadings);  // as between ticks, caches go cold
    const std::chrono::nanoseconds before = thread_cpu_time();
    Sample sample;
    reader.read_system(sample);
    tree.read_into(sample, ProcessTree::Clock::now());
    if (i > 0) {  // the first opens the files
      cpu += thread_cpu_time() - before;
    }
    processes = sample.process_count.value_or(0);
  }
  return {.processes = processes, .cpu_a_tick = cpu / kTriedReadings};
}

FolderFacts look_at_database(const fs::path& path) {
  FolderFacts facts{.path = path, .problem = writing_problem(path), .file_system = file_system_of(path)};
  if (facts.file_system && facts.problem.empty()) {
    if (const auto network = network_name(*facts.file_system)) {
      facts.problem = fmt::format("{} lies on {}, a network file system, where SQLite's locks do not hold",
                                  path.string(), *network);
    }
  }
  return facts;
}

// An older version is brought up to date by whoever writes next.
std::string reading_problem(const fs::path& database) {
  std::error_code ignored;
  if (!fs::exists(database, ignored)) {
    return "";
  }
  try {
    Database::open_for_reading(database);
    return "";
  } catch (const StorageError& error) {
    return error.what();
  }
}

void look_at_runtime_folder(MachineFacts& facts) {
  try {
    facts.runtime.path = runtime_directory();
    facts.socket_path_bytes = event_socket_path(std::string(32, '0')).native().size();
  } catch (const std::exception& error) {
    facts.runtime.problem = error.what();
  }
}

void look_at_daemon(MachineFacts& facts) {
  try {
    const fs::path socket = daemon_socket_path("");
    if (const auto daemon = find_running_daemon(ApiClient(socket))) {
      facts.daemon = fmt::format("runs: {}", describe(*daemon, socket));
    }
  } catch (const std::exception& error) {
    facts.daemon_problem = error.what();
  }
}

std::vector<std::string> find_missing_programs() {
  std::vector<std::string> missing;
  for (const char* name : {"memtrack-collector", "memtrackd", "memtrack-trainer"}) {
    try {
      sibling_program(name);
    } catch (const std::runtime_error&) {
      missing.emplace_back(name);
    }
  }
  return missing;
}

std::vector<DatasetFacts> look_at_datasets() {
  std::vector<DatasetFacts> datasets;
  for (const DatasetDescription& description : dataset_catalog()) {
    try {
      datasets.push_back({.name = std::string(description.name),
                          .is_complete = find_dataset(description, data_directory()).is_complete()});
    } catch (const std::exception&) {  // no folder is named: nothing lies there
      datasets.push_back({.name = std::string(description.name), .is_complete = false});
    }
  }
  return datasets;
}

}  // namespace

MachineFacts look_at_machine(const std::string& database_flag) {
  MachineFacts facts;
  ProcReader reader;
  const HostRecord host = read_host(reader);
  const std::string own = std::to_string(getpid());
  facts.kernel = host.kernel;
  facts.cores = host.cores;
  facts.cgroup_version = host.cgroup_version;
  const NoCgroup no_cgroup = check_cgroups().value_or(NoCgroup{});
  facts.cgroup_problem = no_cgroup.reason;
  facts.cgroup_lacks_only_limit = no_cgroup.lacks_only_limit;
  facts.has_pidfd = has_pidfd();
  facts.is_root = geteuid() == 0;
  facts.most_open_files = most_open_files();
  facts.meminfo = reader.read_once("meminfo").value_or("");
  facts.zoneinfo = reader.read_once("zoneinfo").value_or("");
  facts.own_status = reader.read_once("self/status").value_or("");
  facts.own_smaps_rollup = reader.read_once("self/smaps_rollup").value_or("");
  facts.proc_options = proc_mount_options();
  facts.lists_children = reader.read_once("self/task/" + own + "/children").has_value();
  facts.timer = try_timer();
  facts.cost = try_reading();
  const fs::path database = database_path(database_flag);
  facts.database = look_at_database(database);
  facts.database_problem = reading_problem(database);
  look_at_runtime_folder(facts);
  facts.missing_programs = find_missing_programs();
  look_at_daemon(facts);
  facts.datasets = look_at_datasets();
  return facts;
}

}  // namespace memtrack
