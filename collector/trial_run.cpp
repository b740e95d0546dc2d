#include "collector/trial_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>
#include <variant>

#include "collector/attached_session.h"
#include "collector/event_socket.h"
#include "collector/host.h"
#include "collector/start_patience.h"
#include "collector/tree_signal.h"
#include "collector/trial_files.h"
#include "collector/trial_log.h"
#include "collector/trial_session.h"
#include "storage/paths.h"
#include "storage/shortage.h"
#include "sweeps/sweep.h"

namespace memtrack {
namespace {

constexpr int kOurFailure = 125;
constexpr int kPipeBytes = 256 * 1024;
constexpr std::chrono::hours kEndPatience(24);  // a disk that was full by night is seen to in the morning
constexpr std::chrono::minutes kEndPatienceInForeground(1);

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

TrialOutcome failed(const std::string& reason, std::int64_t ended_ns) {
  return {.state = TrialState::failed, .reason = reason, .ended_ns = ended_ns};
}

// An error in the middle of the measuring is the trial's end, written like any other: there are rows that wait.
template <typename Measure>
TrialOutcome outcome_of(const TrialClock& clock, Measure&& measure) {
  try {
    return measure();
  } catch (const std::exception& error) {
    return failed(error.what(), clock.at(BootClock::now()));
  }
}

}  // namespace

void TrialRun::record_start(std::optional<std::int64_t> started_ns) {
  const TrialStart start{.started_ns = started_ns,
                         .host = read_host(reader_),
                         .collector_pid = getpid(),
                         .cgroup = cgroup_ ? cgroup_->path().string() : ""};
  with_patience([&] { recorder_.begin(start); });
  is_recorded_as_started_ = started_ns.has_value();
}

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
    throw StorageError("the baseline cannot be written: " + *error, true);
  }
  return std::nullopt;
}

// What the command needs beside itself is made before anything is recorded: while it cannot be, the trial has not
// begun.
int TrialRun::run(const OwnSettings& to_restore) {
  make_cgroup();
  const std::filesystem::path socket_path = event_socket_path(trial_.uid);
  EventSocket events(socket_path);
  const TrialCommand command =
      make_trial_command(trial_, read_environment(options_.environment), options_.database, socket_path);
  OutputPipe output = options_.in_foreground ? OutputPipe{} : make_output_pipe();
  TrialLog log(options_.in_foreground ? std::filesystem::path() : options_.log, options_.log_cap_bytes);
  record_start(clock_.at(BootClock::now()));
  TrialWriter writer(recorder_, log, writer_limits());

  if (trial_.memory_limit_bytes && !cgroup_) {
    const std::string reason = fmt::format("was not started, since its memory_limit of {} could not be obeyed: {}",
                                           format_size(*trial_.memory_limit_bytes), why_no_cgroup_);
    return finish(writer, failed(reason, clock_.at(BootClock::now())), kOurFailure);
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
    if (is_shortage(failure->error) && !options_.in_foreground) {
      throw std::system_error(failure->error, std::generic_category(), failure->what);
    }
    return finish(writer, failed(failure->reason(), clock_.at(BootClock::now())), failure->exit_code);
  }
  has_command_ = true;
  const SessionSettings settings{
      .command = std::get<pid_t>(started),
      .interval = std::chrono::nanoseconds(trial_.interval_ns),
      .timeout = trial_.timeout_ns ? std::optional(std::chrono::nanoseconds(*trial_.timeout_ns)) : std::nullopt,
      .memory_limit_bytes = trial_.memory_limit_bytes,
      .cgroup = cgroup_ ? &*cgroup_ : nullptr,
      .max_rss_floor_bytes = own_memory ? own_memory->peak_rss_bytes.value_or(0) : 0,
      .in_foreground = options_.in_foreground};
  int foreground_code = kOurFailure;
  TrialOutcome outcome = outcome_of(clock_, [&] {
    TrialSession session(settings, signals_, events, std::move(output.reader), reader_, clock_, writer);
    const TrialOutcome ended = session.run();
    foreground_code = shell_code(session.wait_status());
    return ended;
  });
  cgroup_.reset();  // before the end is recorded: nobody looks for what an ended trial left
  if (trial_.baseline_ns) {
    outcome = outcome_of(clock_, [&] {
      idle_watch().sample(std::chrono::nanoseconds(*trial_.baseline_ns), writer);
      return outcome;
    });
  }
  return finish(writer, outcome, foreground_code);
}

// A process that ran before us, instead of a command.
int TrialRun::watch(const ProcessId& process) {
  EventSocket events(event_socket_path(trial_.uid));
  TrialLog log({}, 0);
  record_start(clock_.at(BootClock::now()));
  TrialWriter writer(recorder_, log, writer_limits());
  FileDescriptor watched = open_process(reader_, process);
  if (!watched) {
    const std::string reason = "process " + std::to_string(process.pid) + " ended before it could be measured";
    return finish(writer, failed(reason, clock_.at(BootClock::now())), EXIT_FAILURE);
  }
  int foreground_code = kOurFailure;
  const TrialOutcome outcome = outcome_of(clock_, [&] {
    AttachedSession session(process, std::move(watched), std::chrono::nanoseconds(trial_.interval_ns), signals_, events,
                            reader_, clock_, writer);
    const TrialOutcome ended = session.run();
    foreground_code = EXIT_SUCCESS;
    return ended;
  });
  return finish(writer, outcome, foreground_code);
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

void TrialRun::record_failure(const std::exception& error) {
  const bool may_begin_later = may_pass(error) && !has_command_ && !options_.in_foreground;
  try {
    if (!may_begin_later) {
      const TrialOutcome outcome = failed(error.what(), clock_.at(BootClock::now()));
      with_patience([&] { recorder_.finish({}, outcome); });
    } else if (is_recorded_as_started_) {
      with_patience([&] { recorder_.withdraw_start(); });
    }
  } catch (const StorageError&) {
    // The error that led here says more.
  }
}

}  // namespace memtrack
