#pragma once

// The processes that we start, and those that come to us when their parent dies: we are a child subreaper.

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/orphan.h"

namespace memtrack {

struct ChildProgram {
  std::filesystem::path program;
  std::vector<std::string> arguments;  // without the program's name
};

struct ChildOutput {
  int status = 0;      // of wait
  std::string output;  // stdout
};

// One of it in a process. It reaps every child, so nobody else may wait for one; every child is started by it.
class Children {
 public:
  explicit Children(boost::asio::io_context& context);
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  // Starts a program that outlives us: a session of its own, stdin at its end, stdout and stderr on our stderr, signals
  // as a program finds them, and of our descriptors only `keep`, under its own number.
  // Throws std::runtime_error where it cannot be started.
  StartedProcess start_detached(const ChildProgram& child, int keep);

  // Runs a program to its end: `input` on its stdin, stderr ours. It dies with us, or at `limit`. From then on this
  // process ignores SIGPIPE.
  // Throws std::runtime_error where it cannot be started or says more than `max_output` bytes.
  boost::asio::awaitable<ChildOutput> run(ChildProgram child, std::string input, std::size_t max_output,
                                          std::chrono::seconds limit);

  // The wait status of a child of ours that has ended, once. nullopt: it has not, or was none of ours.
  std::optional<int> take_status(pid_t pid);

  // Living children that we did not start, their parents having died, and that may be of the tree that `collector`
  // left, which start_detached() started for this trial. Orphans of others come to us too where we are the first
  // process of all, as in a container, or had children before we began.
  std::vector<pid_t> orphans_of(const StartedProcess& collector, std::string_view trial_uid);

 private:
  void reap();
  void wait_for_signal();

  boost::asio::io_context& context_;
  boost::asio::signal_set child_ended_;
  std::map<pid_t, std::optional<int>> ours_;  // wait status, once there is one
  bool others_come_too_ = false;              // orphans of processes that we did not start
};

}  // namespace memtrack
