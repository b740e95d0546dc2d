#pragma once

// What memtrackd can be told: by a flag, by an environment variable, by a line of the config file, in falling
// precedence. A new setting is one field of Settings and one line of the table in settings.cpp: its flag, its variable,
// --help, --print-config and SIGHUP follow from there.
//
//   log_level: debug                      # in memtrackd.conf: YAML, one name: value a line
//   MEMTRACK_LOG_LEVEL=debug memtrackd
//   memtrackd --log-level debug

#include <spdlog/common.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sweeps/config_node.h"

namespace memtrack {

struct Settings {
  std::filesystem::path database;
  std::filesystem::path socket;
  spdlog::level::level_enum log_level = spdlog::level::info;
  std::chrono::nanoseconds drain = std::chrono::seconds(2);  // how long SIGTERM waits for running trials
  std::int64_t log_cap_bytes = std::int64_t{64} << 20;       // of what one trial prints
};

struct Setting {
  std::string_view name;  // in the config file: "log_level"
  std::string_view type;  // in --help: "LEVEL"
  std::string_view help;
  bool reloadable;  // by SIGHUP; otherwise it counts from the next start on
  void (*read)(Settings& settings, std::string_view name, const ConfigNode& node);  // throws SweepError
  std::string (*show)(const Settings& settings);                                    // so that `read` takes it again
};

// At its end memtrackd waits `drain` for running trials, beside that for requests that are under way, and where another
// signal cancels the trials for these, whose trees get 5 s for each step of their end.
inline constexpr auto kPatienceWithRequests = std::chrono::seconds(10);
inline constexpr auto kPatienceWithCancelled = std::chrono::seconds(60);

// From SIGTERM on, at most.
constexpr std::chrono::nanoseconds longest_end(std::chrono::nanoseconds drain) {
  return drain + kPatienceWithRequests + kPatienceWithCancelled;
}

std::span<const Setting> all_settings();
std::string flag_of(const Setting& setting);      // "--log-level"
std::string variable_of(const Setting& setting);  // "MEMTRACK_LOG_LEVEL"

// The flags that were given, by the setting's name, and the config file that was named, if any. What stands in the
// environment and in the file is looked up anew each time.
struct SettingSources {
  std::map<std::string_view, std::string> flags = {};
  std::string config_file = {};
};

// The file that --config names, else MEMTRACK_CONFIG, else the user's ($XDG_CONFIG_HOME/memtrack/memtrackd.conf), else
// /etc/memtrack/memtrackd.conf. Empty: there is none. `flag` is what --config said.
std::filesystem::path config_file(const std::string& flag);

struct LoadedSettings {
  Settings values;
  std::map<std::string_view, std::string> origins;  // by name: "--db", "MEMTRACK_DB", "memtrackd.conf:3:5", "default"
};

// Throws SweepError with the place and what would be right there.
LoadedSettings load_settings(const SettingSources& sources);

// The value that the config file has for `name`, where nothing in the environment comes before it: for the other
// programs, which need not like the rest of the file. nullopt: there is none.
std::optional<std::string> configured(std::string_view name);

// A config file that would lead to these settings, each with where it came from.
std::string to_text(const LoadedSettings& loaded);

// The settings whose values differ.
std::vector<const Setting*> changed_settings(const Settings& before, const Settings& now);

// Puts into `settings` what `now` has for those that SIGHUP may change.
void take_reloadable(Settings& settings, const Settings& now);

}  // namespace memtrack
