#include "daemon/children.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/stdio.hpp>
#include <csignal>
#include <fstream>
#include <limits>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "daemon/processes.h"

namespace memtrack {
namespace asio = boost::asio;
namespace process = boost::process::v2;
namespace {

// What the launcher of Boost.Process calls in the child between fork and exec. It must come last: it makes every
// descriptor above stderr close-on-exec, since the launcher of 1.81 closes only some of them.
struct ChildSetup {
  int keep = -1;             // stays open
  bool own_session = false;  // out of reach of a Ctrl-C and of a service manager's signal to our group
  bool dies_with_us = false;
  pid_t parent = getpid();

  template <typename Launcher>
  process::error_code on_setup(Launcher& launcher, const process::filesystem::path&, const char* const*) const {
    if (keep >= 0) {
      launcher.fd_whitelist.push_back(keep);
    }
    return {};
  }

  template <typename Launcher>
  process::error_code on_exec_setup(Launcher&, const process::filesystem::path&, const char* const*) const {
    // What we ignore would stay ignored across exec: SIGPIPE.
    for (int number = 1; number < NSIG; ++number) {
      std::signal(number, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if ((own_session && setsid() < 0) || close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0 ||
        (keep >= 0 && fcntl(keep, F_SETFD, 0) != 0) || (dies_with_us && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)) {
      return {errno, process::system_category()};
    }
    if (dies_with_us && getppid() != parent) {  // it died before we were tied to it
      return {ESRCH, process::system_category()};
    }
    return {};
  }
};

// Signals wait while we fork: until the child has put back their defaults, its handlers are Asio's, and what comes to
// it, as a Ctrl-C comes to a whole group, would be written into our own pipe and count twice.
class SignalsHeldBack {
 public:
  SignalsHeldBack() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;
  ~SignalsHeldBack() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

// What fails behind the fork is thrown in both processes or leaves a child that nobody knows. Descriptors are the one
// thing of which the launcher may lack some there, so there must be enough before.
void require_descriptors() {
  constexpr std::size_t kMoreThanLaunchingTakes = 16;
  std::vector<FileDescriptor> spare;
  while (spare.size() < kMoreThanLaunchingTakes) {
    spare.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!spare.back()) {
      throw std::system_error(errno, std::generic_category(), "too few descriptors are left to start a program");
    }
  }
}

// Starts it and leaves the waiting to Children: the destructor of a Boost process would kill and reap.
template <typename Streams>
pid_t launch(const ChildProgram& child, Streams&& streams, const ChildSetup& setup) {
  require_descriptors();
  // One of its own: the forked child registers anew what its context knows, and where that throws, we would be two.
  asio::io_context context;
  boost::system::error_code error;
  process::default_process_launcher launcher;
  const SignalsHeldBack held_back;  // ChildSetup lets them through in the child
  process::process started =
      launcher(asio::any_io_executor(context.get_executor()), error, process::filesystem::path(child.program.string()),
               child.arguments, std::forward<Streams>(streams), setup);
  const pid_t pid = started.id();
  started.detach();
  if (error) {
    // The launcher leaves a child that could not exec to be reaped; Children does.
    throw std::runtime_error(fmt::format("cannot start {}: {}", child.program.string(), error.message()));
  }
  return pid;
}

int dup_close_on_exec(int descriptor) {
  const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) {
    throw std::system_error(errno, std::generic_category(), "cannot watch a child");
  }
  return copy;
}

// What a child that ends early does not take is not missed: its status tells.
asio::awaitable<void> feed(asio::writable_pipe pipe, std::string input) {
  boost::system::error_code broken;
  co_await asio::async_write(pipe, asio::buffer(input), asio::redirect_error(asio::use_awaitable, broken));
}

std::vector<pid_t> child_pids() {
  std::vector<pid_t> pids;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(thread.path() / "children");
    for (pid_t pid = 0; file >> pid;) {
      pids.push_back(pid);
    }
  }
  return pids;
}

}  // namespace

Children::Children(asio::io_context& context) : context_(context), child_ended_(context, SIGCHLD) {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    throw std::runtime_error("cannot become a child subreaper");
  }
  reap();
  others_come_too_ = getpid() == 1 || !child_pids().empty();
  wait_for_signal();
}

void Children::wait_for_signal() {
  child_ended_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) {
      reap();
      wait_for_signal();
    }
  });
}

void Children::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (const auto found = ours_.find(pid); found != ours_.end()) {
      found->second = status;
    }
  }
}

std::optional<int> Children::take_status(pid_t pid) {
  reap();
  const auto found = ours_.find(pid);
  if (found == ours_.end() || !found->second) {
    return std::nullopt;
  }
  const std::optional<int> status = found->second;
  ours_.erase(found);
  return status;
}

std::vector<pid_t> Children::orphans_of(const StartedProcess& collector, std::string_view trial_uid) {
  reap();
  std::vector<pid_t> pids = child_pids();
  std::erase_if(pids, [&](pid_t pid) {
    const std::optional<Orphan> orphan = ours_.contains(pid) ? std::nullopt : look_at_orphan(pid);
    return !orphan || !may_be_left_by(collector, trial_uid, *orphan, others_come_too_);
  });
  return pids;
}

StartedProcess Children::start_detached(const ChildProgram& child, int keep) {
  const pid_t pid = launch(child, process::process_stdio{nullptr, STDERR_FILENO, STDERR_FILENO},
                           ChildSetup{.keep = keep, .own_session = true});
  ours_.insert_or_assign(pid, std::nullopt);
  // Not reaped yet, so that it is there even if it has ended.
  const std::optional<Orphan> seen = look_at_orphan(pid);
  return {.pid = pid, .start_ticks = seen ? seen->start_ticks : std::numeric_limits<std::uint64_t>::max()};
}

asio::awaitable<ChildOutput> Children::run(ChildProgram child, std::string input, std::size_t max_output,
                                           std::chrono::seconds limit) {
  std::signal(SIGPIPE, SIG_IGN);  // of a child that ends before it has read its input
  asio::writable_pipe to_child(context_);
  const auto from_child = std::make_shared<asio::readable_pipe>(context_);
  const pid_t pid =
      launch(child, process::process_stdio{to_child, *from_child, STDERR_FILENO}, ChildSetup{.dies_with_us = true});
  ours_.insert_or_assign(pid, std::nullopt);
  const auto handle = std::make_shared<FileDescriptor>(open_process(pid));
  asio::posix::stream_descriptor ended(context_, dup_close_on_exec(handle->get()));
  asio::co_spawn(context_, feed(std::move(to_child), std::move(input)), asio::detached);

  asio::steady_timer alarm(context_, limit);
  alarm.async_wait([handle, from_child](const boost::system::error_code& cancelled) {
    if (!cancelled) {
      send_signal(*handle, SIGKILL);
      from_child->close();
    }
  });

  ChildOutput result;
  boost::system::error_code end;
  co_await asio::async_read(*from_child, asio::dynamic_buffer(result.output, max_output),
                            asio::redirect_error(asio::use_awaitable, end));
  if (!end) {
    send_signal(*handle, SIGKILL);
  }
  co_await ended.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  alarm.cancel();
  result.status = take_status(pid).value_or(0);
  if (!end) {
    throw std::runtime_error(fmt::format("{} says more than {} bytes", child.program.string(), max_output));
  }
  co_return result;
}

}  // namespace memtrack
