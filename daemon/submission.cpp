#include "daemon/submission.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <type_traits>

#include "daemon/cgroup_check.h"
#include "storage/database.h"
#include "storage/environment_file.h"
#include "storage/paths.h"
#include "storage/trial_store.h"

namespace memtrack {
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

// While another sweep of a million trials is being stored.
constexpr auto kPatience = std::chrono::minutes(5);

// Beyond it, writing the JSON again would use up the stack.
constexpr int kDeepestNesting = 100;

constexpr std::array<std::string_view, 11> kOverrides = {"set",  "interval", "timeout",  "repeats", "order", "seed",
                                                         "jobs", "retries",  "priority", "method",  "count"};

[[noreturn]] void refuse(const std::string& what) {
  throw SubmissionError(what);
}

std::string text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) {
    refuse(fmt::format("the request has no \"{}\"", name));
  }
  if (!found->is_string()) {
    refuse(fmt::format("\"{}\" is {}, and would have to be a string", name, found->type_name()));
  }
  return found->get<std::string>();
}

template <typename T>
void read_override(const json& object, const char* name, std::optional<T>& value) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) {
    return;
  }
  if constexpr (std::is_same_v<T, std::string>) {
    value = text_member(object, name);
  } else {
    if (!found->is_number_integer() || (std::is_unsigned_v<T> && !found->is_number_unsigned())) {
      refuse(fmt::format("overrides.{} is {}, and would have to be a whole number{}", name, found->dump(),
                         std::is_unsigned_v<T> ? " from 0" : ""));
    }
    value = found->get<T>();
  }
}

void read_set(const json& set, Overrides& overrides) {
  if (!set.is_object()) {
    refuse("overrides.set would have to be an object such as {\"epochs\": \"1\"}");
  }
  for (const auto& [name, value] : set.items()) {
    overrides.set.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

// The values are not said: they may be secrets.
std::map<std::string, std::string> read_environment(const json& object) {
  if (!object.is_object()) {
    refuse("\"environment\" would have to be an object such as {\"PATH\": \"/usr/bin\"}");
  }
  std::map<std::string, std::string> environment;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string() || value.get_ref<const std::string&>().find('\0') != std::string::npos) {
      refuse(fmt::format("environment variable {} would have to be a string without NUL", json(name).dump()));
    }
    if (name.empty() || name.find('=') != std::string::npos || name.find('\0') != std::string::npos) {
      refuse(fmt::format("{} is no name of an environment variable", json(name).dump()));
    }
    environment.emplace(name, value.get<std::string>());
  }
  return environment;
}

double gib(std::int64_t bytes) {
  return static_cast<double>(bytes) / (1 << 30);
}

void check_cwd(const std::string& cwd) {
  std::error_code error;
  if (!fs::path(cwd).is_absolute() || !fs::is_directory(cwd, error)) {
    refuse(fmt::format("\"cwd\" is '{}', and would have to be the absolute path of a folder: the commands run in it",
                       cwd));
  }
}

// memory.max (v2: "max", "1073741824"), memory.limit_in_bytes (v1). nullopt: none.
std::optional<std::int64_t> memory_limit_of(const fs::path& group) {
  for (const char* name : {"memory.max", "memory.limit_in_bytes"}) {
    std::ifstream file(group / name);
    if (std::int64_t bytes = 0; file >> bytes) {
      return bytes;
    }
  }
  return std::nullopt;
}

// As many trials at a time as the sweep asks for, each as large as it may become, have to find room.
void refuse_unless_jobs_fit(const std::vector<Sweep>& sweeps) {
  const MemoryRoom room = memory_room_here();
  for (const Sweep& sweep : sweeps) {
    const SweepSettings& settings = sweep.settings;
    if (settings.jobs > 1 && settings.memory_limit_bytes && *settings.memory_limit_bytes > room.bytes / settings.jobs) {
      refuse(
          fmt::format("sweep '{}' asks for {} jobs of up to {} each (memory_limit), {:.1f} GiB in all, and {} {:.1f} "
                      "GiB; give jobs: {} or a smaller memory_limit",
                      sweep.name, settings.jobs, format_size(*settings.memory_limit_bytes),
                      gib(*settings.memory_limit_bytes) * static_cast<double>(settings.jobs), room.bound,
                      gib(room.bytes), std::max<std::int64_t>(room.bytes / *settings.memory_limit_bytes, 1)));
    }
  }
}

// A memory limit is kept by a cgroup of the trial's own, and the collector knows whether it can make one here.
void refuse_unless_limits_can_be_kept(const std::vector<Sweep>& sweeps) {
  const auto limited = std::find_if(sweeps.begin(), sweeps.end(),
                                    [](const Sweep& sweep) { return sweep.settings.memory_limit_bytes.has_value(); });
  if (limited == sweeps.end()) {
    return;
  }
  if (const std::string reason = why_no_cgroup(); !reason.empty()) {
    refuse(fmt::format("memory_limit of sweep '{}' could not be obeyed: {}", limited->name, reason));
  }
}

json reply_for(const std::vector<SubmittedSweep>& sweeps) {
  json list = json::array();
  for (const SubmittedSweep& sweep : sweeps) {
    list.push_back({{"sweep_id", sweep.sweep_id},
                    {"uid", sweep.uid},
                    {"name", sweep.name},
                    {"trials", sweep.trial_count},
                    {"open_ended", sweep.is_open_ended},
                    {"warnings", sweep.warnings}});
  }
  return {{"sweeps", list}};
}

}  // namespace

MemoryRoom memory_room(std::int64_t machine_bytes, const fs::path& proc, const fs::path& cgroups, bool as_root) {
  MemoryRoom room{.bytes = machine_bytes, .bound = "this machine has"};
  std::ifstream own(proc / "self/cgroup");
  for (std::string line; std::getline(own, line);) {  // "4:memory:/a/b" (v1), "0::/a/b" (v2)
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const bool is_v2 = line.starts_with("0::");
    if (!is_v2 && (',' + line.substr(first + 1, second - first - 1) + ',').find(",memory,") == std::string::npos) {
      continue;
    }
    const fs::path mount = is_v2 ? cgroups : cgroups / "memory";
    fs::path group = is_v2 && as_root ? fs::path() : fs::path(line.substr(second + 1)).relative_path();
    for (bool is_top = false; !is_top; group = group.parent_path()) {
      is_top = group.empty();
      const fs::path folder = is_top ? mount : mount / group;
      if (const auto limit = memory_limit_of(folder); limit && *limit < room.bytes) {
        room = {.bytes = *limit, .bound = fmt::format("the cgroup {} allows", folder.string())};
      }
    }
  }
  return room;
}

MemoryRoom memory_room_here() {
  return memory_room(std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE), "/proc", "/sys/fs/cgroup",
                     geteuid() == 0);
}

json parse_request(std::string_view text) {
  const auto check_depth = [](int depth, json::parse_event_t, json&) {
    if (depth > kDeepestNesting) {
      refuse(fmt::format("the request is nested more than {} deep", kDeepestNesting));
    }
    return true;
  };
  json request = json::parse(text, check_depth, false);
  if (request.is_discarded()) {
    refuse("the request is not JSON");
  }
  return request;
}

Overrides parse_overrides(const json& object) {
  if (!object.is_object()) {
    refuse("\"overrides\" would have to be an object");
  }
  for (const auto& [name, value] : object.items()) {
    if (std::find(kOverrides.begin(), kOverrides.end(), name) == kOverrides.end()) {
      refuse(
          fmt::format("there is no override \"{}\"; known are set, interval, timeout, repeats, order, seed, jobs, "
                      "retries, priority, method, count",
                      name));
    }
  }
  Overrides overrides;
  if (const auto set = object.find("set"); set != object.end()) {
    read_set(*set, overrides);
  }
  read_override(object, "interval", overrides.interval);
  read_override(object, "timeout", overrides.timeout);
  read_override(object, "repeats", overrides.repeats);
  read_override(object, "order", overrides.order);
  read_override(object, "seed", overrides.seed);
  read_override(object, "jobs", overrides.jobs);
  read_override(object, "retries", overrides.retries);
  read_override(object, "priority", overrides.priority);
  read_override(object, "method", overrides.method);
  read_override(object, "count", overrides.count);
  return overrides;
}

SubmissionRequest parse_submission(const json& request) {
  if (!request.is_object()) {
    refuse("the request would have to be a JSON object with \"config\" and \"cwd\"");
  }
  SubmissionRequest parsed{.config = text_member(request, "config"),
                           .file = request.contains("file") ? text_member(request, "file") : "the request",
                           .cwd = text_member(request, "cwd"),
                           .environment = {},
                           .overrides = {}};
  if (const auto environment = request.find("environment"); environment != request.end()) {
    parsed.environment = read_environment(*environment);
  }
  if (const auto overrides = request.find("overrides"); overrides != request.end()) {
    parsed.overrides = parse_overrides(*overrides);
  }
  return parsed;
}

json to_json(const Overrides& overrides) {
  json object = json::object();
  for (const auto& [name, value] : overrides.set) {
    object["set"][name] = value;
  }
  const auto put = [&](const char* name, const auto& value) {
    if (value) {
      object[name] = *value;
    }
  };
  put("interval", overrides.interval);
  put("timeout", overrides.timeout);
  put("repeats", overrides.repeats);
  put("order", overrides.order);
  put("seed", overrides.seed);
  put("jobs", overrides.jobs);
  put("retries", overrides.retries);
  put("priority", overrides.priority);
  put("method", overrides.method);
  put("count", overrides.count);
  return object;
}

json to_json(const SubmissionRequest& request) {
  const json object = {{"config", request.config},
                       {"file", request.file},
                       {"cwd", request.cwd},
                       {"environment", request.environment},
                       {"overrides", to_json(request.overrides)}};
  return json::parse(object.dump(-1, ' ', false, json::error_handler_t::replace));
}

json submit(const fs::path& path, const SubmissionRequest& request) {
  check_cwd(request.cwd);
  const std::vector<Sweep> sweeps = parse_sweep_file(request.config, request.file, request.overrides);
  const bool trains =
      std::any_of(sweeps.begin(), sweeps.end(), [](const Sweep& sweep) { return sweep.built_in_trainer; });
  const ExpansionContext context{.environment = request.environment,
                                 .trainer = trains ? sibling_program("memtrack-trainer").string() : "",
                                 .share = request.share};
  refuse_unless_jobs_fit(sweeps);
  refuse_unless_limits_can_be_kept(sweeps);
  Database database = Database::open_for_writing(path, kPatience);
  const auto write_environments = [&](const std::vector<SubmittedSweep>& submitted) {
    for (const SubmittedSweep& sweep : submitted) {
      write_environment_file(environment_path(path, sweep.sweep_id), request.environment);
    }
  };
  return reply_for(
      insert_sweeps(database, sweeps, context, request.cwd, to_json(request.overrides).dump(), write_environments));
}

}  // namespace memtrack
