#pragma once

#include <cstdint>
#include <exception>
#include <optional>

#include "daemon/settings.h"

namespace memtrack {

struct ServiceOptions {
  SettingSources sources;  // read again at SIGHUP
  Settings settings;
  bool submit = false;  // be the submitter of a running daemon: one request on stdin, its reply on stdout
  std::optional<std::int64_t> draw = {};  // queue the next trials of this open-ended sweep, for a running daemon
};

// nullopt: there is nothing to run. What was asked for (--help, --version) or what is wrong was printed, and
// `exit_code` set.
std::optional<ServiceOptions> parse_service_options(int argc, char** argv, int& exit_code);

// The service, until SIGTERM or SIGINT. Returns the exit code.
int run_service(const ServiceOptions& options);

// 78 (EX_CONFIG of sysexits.h) where starting it again would end in the same way: a database that is foreign, newer,
// damaged, on a network file system, or another memtrackd's. Else 1.
int exit_code_of(const std::exception& error);

}  // namespace memtrack
