#include "collector/collector.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <thread>
#include <utility>

#include "collector/attached_session.h"
#include "collector/cgroup.h"
#include "collector/command_start.h"
#include "collector/event_socket.h"
#include "collector/host.h"
#include "collector/idle_watch.h"
#include "collector/signals.h"
#include "collector/tree_signal.h"
#include "collector/trial_clock.h"
#include "collector/trial_files.h"
#include "collector/trial_log.h"
#include "collector/trial_session.h"
#include "collector/trial_writer.h"
#include "storage/database.h"
#include "storage/paths.h"
#include "storage/trial_lock.h"
#include "storage/trial_recorder.h"
#include "storage/trial_store.h"
#include "sweeps/sweep.h"

namespace memtrack {
namespace {

constexpr int kOurFailure = 125;
constexpr int kPipeBytes = 256 * 1024;
// A statement waits this long for another writer; then its rows wait in memory and it is tried again.
constexpr std::chrono::milliseconds kBusyTimeout(250);
constexpr std::chrono::seconds kStartPatience(60);
constexpr std::chrono::minutes kEndPatience(10);
constexpr std::chrono::minutes kEndPatienceInForeground(1);

// A standard stream that our starter closed must not become a file of ours.
void take_standard_descriptors() {
  for (int descriptor = open("/dev/null", O_RDWR); descriptor >= 0; descriptor = open("/dev/null", O_RDWR)) {
    if (descriptor > STDERR_FILENO) {
      close(descriptor);
      return;
    }
  }
}

// Large trees need many descriptors. Returns what the command gets back.
rlimit raise_open_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &raised);
  return limit;
}

// Repeats what fails for a moment: another writer holds the database.
template <typename Work>
auto with_patience(std::chrono::seconds patience, Work&& work) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  for (;;) {
    try {
      return work();
    } catch (const StorageError& error) {
      if (!error.is_transient() || std::chrono::steady_clock::now() >= give_up) {
        throw;
      }
    }
    std::this_thread::sleep_for(kBusyTimeout);
  }
}

// The trial's lock, handed down by our starter.
class HeldLock {
 public:
  explicit HeldLock(int descriptor) : lock_(TrialLock::adopt(descriptor)) { lock_.write_owner(); }
  // The file goes while the lock is still held: whoever opened it before finds it free once we are gone, whoever comes
  // later finds no file; both are right.
  ~HeldLock() {
    struct stat held {};
    struct stat named {};
    if (fstat(lock_.descriptor(), &held) == 0 && stat(path_.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
        held.st_ino == named.st_ino) {
      unlink(path_.c_str());
    }
  }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;

  void remove_at_end(std::filesystem::path path) { path_ = std::move(path); }

 private:
  TrialLock lock_;
  std::filesystem::path path_;
};

struct OutputPipe {
  FileDescriptor reader;
  FileDescriptor writer;
};

OutputPipe make_output_pipe() {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a pipe for the command's output");
  }
  OutputPipe pipe{.reader = FileDescriptor(ends[0]), .writer = FileDescriptor(ends[1])};
  fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK);
  fcntl(pipe.reader.get(), F_SETPIPE_SZ, kPipeBytes);  // a wish: the system's limit may be lower
  return pipe;
}

int shell_code(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

TrialOutcome not_started(const std::string& reason, std::int64_t ended_ns) {
  return {.state = TrialState::failed, .reason = reason, .ended_ns = ended_ns};
}

// All that one trial needs, in the order of the steps.
class TrialRun {
 public:
  TrialRun(const CollectorOptions& options, const Trial& trial, CollectorSignals& signals, TrialRecorder& recorder)
      : options_(options), trial_(trial), signals_(signals), recorder_(recorder) {}

  // Waits and looks at the idle system, where the trial wants that. What to exit with, where we were told to stop.
  std::optional<int> settle();
  void begin() {
    if (!options_.attached) {
      make_cgroup();
    }
    record_start(clock_.at(BootClock::now()));
  }
  int run(const OwnSettings& to_restore);
  int watch(const ProcessId& process);

  // What is left where something of ours failed.
  void record_failure(const std::string& reason) {
    with_patience(kStartPatience, [&] { recorder_.finish({}, not_started(reason, clock_.at(BootClock::now()))); });
  }

 private:
  void make_cgroup();
  void record_start(std::optional<std::int64_t> started_ns) {
    const TrialStart start{.started_ns = started_ns,
                           .host = read_host(reader_),
                           .collector_pid = getpid(),
                           .cgroup = cgroup_ ? cgroup_->path().string() : ""};
    with_patience(kStartPatience, [&] { recorder_.begin(start); });
  }
  WriterLimits writer_limits() const { return {.interval = std::chrono::nanoseconds(trial_.interval_ns)}; }
  IdleWatch idle_watch() { return {signals_, reader_, clock_, std::chrono::nanoseconds(trial_.interval_ns)}; }
  int finish(TrialWriter& writer, const TrialOutcome& outcome, int foreground_code) const;

  const CollectorOptions& options_;
  const Trial& trial_;
  CollectorSignals& signals_;
  TrialRecorder& recorder_;
  ProcReader reader_;
  std::optional<TrialCgroup> cgroup_;
  std::string why_no_cgroup_;
  TrialClock clock_{now_ns(), BootClock::now()};
};

void TrialRun::make_cgroup() {
  auto made = make_trial_cgroup(trial_cgroup_name(trial_.uid));
  if (auto* none = std::get_if<NoCgroup>(&made)) {
    why_no_cgroup_ = std::move(none->reason);
    return;
  }
  cgroup_.emplace(std::move(std::get<TrialCgroup>(made)));
  try {
    if (trial_.memory_limit_bytes) {
      cgroup_->set_limit(*trial_.memory_limit_bytes);
    }
  } catch (const std::runtime_error& error) {
    why_no_cgroup_ = error.what();
    cgroup_.reset();
  }
}

std::optional<int> TrialRun::settle() {
  if (!trial_.settle_ns && !trial_.baseline_ns) {
    return std::nullopt;
  }
  record_start(std::nullopt);
  IdleWatch idle = idle_watch();
  std::optional<int> signal = idle.wait(std::chrono::nanoseconds(trial_.settle_ns.value_or(0)));
  TrialLog no_log({}, 0);
  TrialWriter writer(recorder_, no_log, writer_limits());
  if (!signal && trial_.baseline_ns) {
    signal = idle.sample(std::chrono::nanoseconds(*trial_.baseline_ns), writer);
  }
  if (signal) {
    return finish(writer,
                  {.state = TrialState::cancelled,
                   .reason = "cancelled by " + signal_name(*signal) + " before it started",
                   .ended_ns = clock_.at(BootClock::now())},
                  128 + *signal);
  }
  if (const auto error = writer.close(kStartPatience)) {
    throw std::runtime_error("the baseline cannot be written: " + *error);
  }
  return std::nullopt;
}

int TrialRun::run(const OwnSettings& to_restore) {
  const std::filesystem::path socket_path = event_socket_path(trial_.uid);
  EventSocket events(socket_path);
  const TrialCommand command =
      make_trial_command(trial_, read_environment(options_.environment), options_.database, socket_path);
  OutputPipe output = options_.in_foreground ? OutputPipe{} : make_output_pipe();
  TrialLog log(options_.in_foreground ? std::filesystem::path() : options_.log, options_.log_cap_bytes);
  TrialWriter writer(recorder_, log, writer_limits());

  if (trial_.memory_limit_bytes && !cgroup_) {
    const std::string reason = fmt::format("was not started, since its memory_limit of {} could not be obeyed: {}",
                                           format_size(*trial_.memory_limit_bytes), why_no_cgroup_);
    return finish(writer, not_started(reason, clock_.at(BootClock::now())), kOurFailure);
  }
  const auto own_memory = reader_.read_memory(getpid());
  const auto started = start_command({.arguments = command.arguments,
                                      .environment = command.environment,
                                      .directory = trial_.cwd,
                                      .in_foreground = options_.in_foreground,
                                      .output = output.writer.get(),
                                      .cgroup_procs = cgroup_ ? cgroup_->join_descriptor() : -1,
                                      .to_restore = to_restore});
  output.writer.reset();
  if (const auto* failure = std::get_if<StartFailure>(&started)) {
    return finish(writer, not_started(failure->reason, clock_.at(BootClock::now())), failure->exit_code);
  }
  const SessionSettings settings{
      .command = std::get<pid_t>(started),
      .interval = std::chrono::nanoseconds(trial_.interval_ns),
      .timeout = trial_.timeout_ns ? std::optional(std::chrono::nanoseconds(*trial_.timeout_ns)) : std::nullopt,
      .memory_limit_bytes = trial_.memory_limit_bytes,
      .cgroup = cgroup_ ? &*cgroup_ : nullptr,
      .max_rss_floor_bytes = own_memory ? own_memory->peak_rss_bytes.value_or(0) : 0,
      .in_foreground = options_.in_foreground};
  TrialOutcome outcome;
  int foreground_code = 0;
  {
    TrialSession session(settings, signals_, events, std::move(output.reader), reader_, clock_, writer);
    outcome = session.run();
    foreground_code = shell_code(session.wait_status());
  }
  cgroup_.reset();  // before the end is recorded: nobody looks for what an ended trial left
  if (trial_.baseline_ns) {
    idle_watch().sample(std::chrono::nanoseconds(*trial_.baseline_ns), writer);
  }
  return finish(writer, outcome, foreground_code);
}

// A process that ran before us, instead of a command.
int TrialRun::watch(const ProcessId& process) {
  EventSocket events(event_socket_path(trial_.uid));
  TrialLog log({}, 0);
  TrialWriter writer(recorder_, log, writer_limits());
  FileDescriptor watched = open_process(reader_, process);
  if (!watched) {
    const std::string reason = "process " + std::to_string(process.pid) + " ended before it could be measured";
    return finish(writer, not_started(reason, clock_.at(BootClock::now())), EXIT_FAILURE);
  }
  AttachedSession session(process, std::move(watched), std::chrono::nanoseconds(trial_.interval_ns), signals_, events,
                          reader_, clock_, writer);
  return finish(writer, session.run(), EXIT_SUCCESS);
}

int TrialRun::finish(TrialWriter& writer, const TrialOutcome& outcome, int foreground_code) const {
  const auto error = writer.finish(outcome, options_.in_foreground ? kEndPatienceInForeground : kEndPatience);
  if (error) {
    std::fprintf(stderr, "memtrack-collector: the end of trial %lld is not recorded: %s\n",
                 static_cast<long long>(trial_.trial_id), error->c_str());
    return options_.in_foreground ? kOurFailure : EXIT_FAILURE;
  }
  return options_.in_foreground ? foreground_code : EXIT_SUCCESS;
}

int run_trial(const CollectorOptions& options) {
  CollectorSignals signals(options.in_foreground);
  HeldLock lock(options.lock_descriptor);
  OwnSettings to_restore{.signal_mask = options.in_foreground ? signals.original_mask() : sigset_t{},
                         .open_files = raise_open_files()};
  prctl(PR_SET_CHILD_SUBREAPER, 1);

  Database database =
      with_patience(kStartPatience, [&] { return Database::open_for_writing(options.database, kBusyTimeout); });
  const Trial trial = with_patience(kStartPatience, [&] { return find_trial(database, options.trial_id); });
  lock.remove_at_end(trial_lock_path(trial.uid));
  TrialRecorder recorder(std::move(database), trial.trial_id);

  TrialRun run(options, trial, signals, recorder);
  if (const std::optional<int> stopped = run.settle()) {
    return *stopped;
  }
  run.begin();
  try {
    return options.attached ? run.watch(*options.attached) : run.run(to_restore);
  } catch (const std::exception& error) {
    run.record_failure(error.what());
    throw;
  }
}

int check_cgroup() {
  const auto none = check_cgroups();
  if (none) {
    std::puts(none->reason.c_str());
  }
  return none ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace

int run_collector(const CollectorOptions& options) {
  take_standard_descriptors();
  if (options.only_checks_cgroup) {
    return check_cgroup();
  }
  mallopt(M_ARENA_MAX, 1);  // a second thread's heap would cost more than it saves
  return run_trial(options);
}

}  // namespace memtrack
