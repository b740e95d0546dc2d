#include "collector/options.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

#include "collector/proc_text.h"

namespace memtrack {
namespace {

constexpr std::string_view kUsage =
    "usage: memtrack-collector --db FILE --trial ID --lock-fd N [--environment FILE] [--log FILE] [--log-cap BYTES] "
    "[--attach PID:START_TICKS] [--foreground], or --check-cgroup; it is started by memtrackd and memtrack";

[[noreturn]] void refuse(const std::string& what) {
  throw std::runtime_error(what + "\n" + std::string(kUsage));
}

std::int64_t parse_number(std::string_view option, std::string_view text, std::int64_t largest) {
  const auto number = parse_integer(text);
  if (!number || *number < 0 || *number > largest) {
    refuse(std::string(option) + " takes a whole number, and '" + std::string(text) + "' is none");
  }
  return *number;
}

// "4711:123456"
ProcessId parse_process(std::string_view option, std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto pid = parse_number(option, text.substr(0, colon), std::numeric_limits<pid_t>::max());
  const auto ticks =
      parse_number(option, text.substr(std::min(colon + 1, text.size())), std::numeric_limits<std::int64_t>::max());
  return {.pid = static_cast<pid_t>(pid), .start_ticks = static_cast<std::uint64_t>(ticks)};
}

void set_option(CollectorOptions& options, std::string_view option, std::string_view value) {
  constexpr auto kLargest = std::numeric_limits<std::int64_t>::max();
  if (option == "--db") {
    options.database = value;
  } else if (option == "--trial") {
    options.trial_id = parse_number(option, value, kLargest);
  } else if (option == "--lock-fd") {
    options.lock_descriptor = static_cast<int>(parse_number(option, value, std::numeric_limits<int>::max()));
  } else if (option == "--environment") {
    options.environment = value;
  } else if (option == "--log") {
    options.log = value;
  } else if (option == "--log-cap") {
    options.log_cap_bytes = parse_number(option, value, kLargest);
  } else if (option == "--attach") {
    options.attached = parse_process(option, value);
  } else {
    refuse("unknown option '" + std::string(option) + "'");
  }
}

}  // namespace

CollectorOptions parse_collector_options(int argc, const char* const* argv) {
  CollectorOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--check-cgroup" && argc == 2) {
      options.only_checks_cgroup = true;
      return options;
    }
    if (option == "--foreground") {
      options.in_foreground = true;
    } else if (i + 1 < argc) {
      set_option(options, option, argv[++i]);
    } else {
      refuse("'" + std::string(option) + "' is unknown or lacks its value");
    }
  }
  if (options.database.empty() || options.trial_id == 0 || options.lock_descriptor < 0) {
    refuse("--db, --trial and --lock-fd are needed");
  }
  return options;
}

}  // namespace memtrack
