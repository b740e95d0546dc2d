#include "tools/sweep_wait.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>

#include "daemon/database_guard.h"
#include "daemon/supervisor.h"
#include "storage/trial_queue.h"
#include "tools/child_process.h"
#include "tools/exit_codes.h"
#include "tools/look_pause.h"
#include "tools/signal_watch.h"

namespace memtrack {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPause(200);
constexpr auto kPatience = std::chrono::seconds(60);  // with nobody who runs the queue

// Runs the queue for these sweeps, one after the other. What a signal cancelled is cancelled in all of them.
int run_queues(const std::filesystem::path& database, const std::vector<std::int64_t>& sweep_ids) {
  int signal = 0;
  for (const std::int64_t sweep_id : sweep_ids) {
    if (signal != 0) {
      Database handle = Database::open_for_writing(database);
      cancel_queued_trials(handle, sweep_id);
      continue;
    }
    signal = run_queue(database, {.only_sweep = sweep_id,
                                  .exit_when_idle = true,
                                  .on_news = {},
                                  .on_trouble = [](const std::string& what) { say("\r\x1b[Kmemtrack: " + what); }});
  }
  return signal == 0 ? kRight : 128 + signal;
}

// The process that runs the queue: of a process group of its own, so that Ctrl-C reaches it through its parent alone.
pid_t start_queue_process() {
  flush_output();
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    throw std::runtime_error(fmt::format("cannot start a process for the queue: {}", std::strerror(errno)));
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    if (getppid() != parent) {
      _exit(kFailed);
    }
  }
  return child;
}

}  // namespace

void ProgressDisplay::show(const Progress& progress, std::int64_t now_ns) {
  for (const FinishedTrial& trial : progress.newly_finished) {
    if (!line_.is_shown() || trial.state != TrialState::done) {
      tell(finished_text(trial));
    }
  }
  if (line_.is_shown()) line_.draw(progress_line(progress, now_ns));
}

void ProgressDisplay::tell(std::string_view line) {
  line_.clear();
  say(line);
}

bool wait_for_sweeps(const std::filesystem::path& database, const std::vector<std::int64_t>& sweep_ids,
                     ProgressDisplay& display, const WaitHooks& hooks) {
  const SignalWatch signals({SIGINT, SIGTERM});
  Database handle = Database::open_for_reading(database);
  ProgressReader reader(handle, sweep_ids);
  while (true) {
    const auto begin = steady_clock::now();
    const Progress progress = reader.look();
    display.show(progress, now_ns());
    if (progress.is_over()) {
      return true;
    }
    const auto look = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
    const int signal = signals.wait_for(pause_after(look, kPause));
    if ((signal != 0 && !hooks.on_signal(signal)) || !hooks.on_look()) {
      return false;
    }
  }
}

int wait_with_daemon(const std::filesystem::path& database, const std::vector<std::int64_t>& sweep_ids) {
  ProgressDisplay display;
  int exit_code = kRight;
  std::optional<steady_clock::time_point> alone_since;
  wait_for_sweeps(
      database, sweep_ids, display,
      {.on_signal =
           [&](int signal) {
             display.tell(fmt::format(
                 "The sweep goes on in the daemon: 'memtrack status' shows it, 'memtrack cancel {}' ends it.",
                 sweep_ids.front()));
             exit_code = 128 + signal;
             return false;
           },
       .on_look =
           [&] {
             if (supervising_process(database)) {
               alone_since.reset();
               return true;
             }
             if (!alone_since) {
               alone_since = steady_clock::now();
               display.tell("memtrackd is gone; what is queued waits for 'memtrack daemon start'.");
             }
             if (steady_clock::now() - *alone_since > kPatience) {
               exit_code = kNoDaemon;
               return false;
             }
             return true;
           }});
  return exit_code;
}

int wait_and_run(const std::filesystem::path& database, const std::vector<std::int64_t>& sweep_ids) {
  const pid_t child = start_queue_process();
  if (child == 0) {
    // What goes wrong there is told by its own main(); it has nothing to do but run the queue.
    const int exit_code = run_queues(database, sweep_ids);
    std::fflush(nullptr);
    _exit(exit_code);
  }
  ProgressDisplay display;
  std::optional<int> status;
  bool cancelling = false;
  const auto has_ended = [&] {
    int wait_status = 0;
    if (!status && waitpid(child, &wait_status, WNOHANG) == child) {
      status = wait_status;
    }
    return status.has_value();
  };
  wait_for_sweeps(database, sweep_ids, display,
                  {.on_signal =
                       [&](int signal) {
                         display.tell(cancelling
                                          ? "Leaving: what runs goes on under its collector."
                                          : "Cancelling what runs and what is queued; once more leaves at once.");
                         cancelling = true;
                         kill(child, signal);
                         return true;
                       },
                   .on_look = [&] { return !has_ended(); }});
  int wait_status = 0;
  while (!status) {
    if (waitpid(child, &wait_status, 0) == child) {
      status = wait_status;
    }
  }
  return shell_exit_code(*status);
}

}  // namespace memtrack
