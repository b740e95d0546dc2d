#pragma once

// What this machine can and cannot measure, and why: judged from what was seen of it. Pure.
//
//   ok       peaks             the kernel keeps high-water marks (VmHWM)
//   limited  per-CPU lists     /proc/zoneinfo is not to be read: used_corrected_bytes is
//                              NULL
//                              -> in a container, do not mask /proc/zoneinfo

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "storage/file_system.h"
#include "storage/sample.h"

namespace memtrack {

enum class Ability { ok, limited, missing };

std::string_view to_string(Ability ability);

struct Finding {
  std::string subject;
  Ability ability = Ability::ok;
  std::string text;
  std::string remedy = {};  // empty: nothing is to be done, or nothing is known
  bool is_needed = false;   // where it is missing, memtrack cannot work here
};

// How late the ticks of a timer came.
struct TimerFacts {
  std::string clock_source = {};  // "tsc"; empty: the system does not say
  Reading slack_ns = {};
  std::chrono::nanoseconds interval{};
  std::int64_t ticks = 0;
  std::chrono::nanoseconds median_late{};
  std::chrono::nanoseconds largest_late{};
};

// What reading once costs.
struct CostFacts {
  std::int64_t processes = 0;
  std::chrono::nanoseconds cpu_a_tick{};
};

struct FolderFacts {
  std::filesystem::path path = {};
  std::string problem = {};  // why it is of no use; empty: none
  std::optional<FileSystem> file_system = {};
};

struct DatasetFacts {
  std::string name;
  bool is_complete = false;
};

struct MachineFacts {
  std::string kernel = {};
  Reading cores = {};
  bool has_pidfd = false;
  bool is_root = false;
  std::int64_t most_open_files = 0;
  // Files of /proc; empty where they are not to be read.
  std::string meminfo = {};
  std::string zoneinfo = {};
  std::string own_status = {};
  std::string own_smaps_rollup = {};
  std::string proc_options = {};  // of the mount: "rw,hidepid=invisible"
  bool lists_children = false;
  Reading cgroup_version = {};
  std::string cgroup_problem = {};  // why a trial gets no cgroup of its own, and what helps; empty: it gets one
  bool cgroup_lacks_only_limit = false;
  TimerFacts timer = {};
  CostFacts cost = {};
  FolderFacts database = {};
  std::string database_problem = {};  // the file is there and cannot be used: why
  FolderFacts runtime = {};
  std::size_t socket_path_bytes = 0;
  std::vector<std::string> missing_programs = {};
  std::string daemon = {};          // "pid 12, socket ..."; empty: none runs
  std::string daemon_problem = {};  // something listens that is none of ours
  std::vector<DatasetFacts> datasets = {};
};

std::vector<Finding> judge(const MachineFacts& facts);

// False: something is missing without which memtrack measures nothing.
bool can_work(const std::vector<Finding>& findings);

std::string findings_text(const std::vector<Finding>& findings, std::size_t width, bool in_colour);
std::string findings_json(const std::vector<Finding>& findings);

}  // namespace memtrack
