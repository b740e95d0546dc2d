#include "daemon/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "storage/paths.h"
#include "sweeps/checks.h"
#include "sweeps/nearest_name.h"
#include "sweeps/settings.h"
#include "sweeps/sweep.h"

namespace memtrack {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 4> kLogLevels = {"debug", "info", "warning", "error"};

template <fs::path Settings::*field>
void read_path(Settings& settings, std::string_view name, const ConfigNode& node) {
  const fs::path path = text(std::string(name), node, "/var/lib/memtrack/memtrack.db");
  // A file has no working directory that its reader could know.
  if (node.mark.line > 0 && path.is_relative()) {
    refuse(std::string(name), node, "an absolute path such as /var/lib/memtrack/memtrack.db");
  }
  settings.*field = path;
}

template <fs::path Settings::*field>
std::string show_path(const Settings& settings) {
  return (settings.*field).string();
}

void read_log_level(Settings& settings, std::string_view name, const ConfigNode& node) {
  const std::string* word = node.text();
  if (word == nullptr || std::find(kLogLevels.begin(), kLogLevels.end(), *word) == kLogLevels.end()) {
    refuse(std::string(name), node, "one of " + join_names(kLogLevels));
  }
  settings.log_level = spdlog::level::from_str(*word);
}

std::string show_log_level(const Settings& settings) {
  const auto name = spdlog::level::to_string_view(settings.log_level);
  return {name.data(), name.size()};
}

template <std::chrono::nanoseconds Settings::*field>
void read_time(Settings& settings, std::string_view name, const ConfigNode& node) {
  settings.*field = duration(std::string(name), node, std::chrono::nanoseconds(0), std::chrono::hours(24 * 365), "5s");
}

template <std::chrono::nanoseconds Settings::*field>
std::string show_time(const Settings& settings) {
  return format_duration(settings.*field);
}

void read_log_cap(Settings& settings, std::string_view name, const ConfigNode& node) {
  constexpr std::int64_t kLeast = 4096;
  const std::string* size = node.text();
  std::int64_t bytes = 0;
  try {
    bytes = size == nullptr ? 0 : parse_size(*size);
  } catch (const std::invalid_argument&) {
    // refused below
  }
  if (bytes < kLeast) {
    refuse(std::string(name), node, "a size from 4KiB on with its unit, such as 64MiB");
  }
  settings.log_cap_bytes = bytes;
}

std::string show_log_cap(const Settings& settings) {
  return format_size(settings.log_cap_bytes);
}

constexpr std::array<Setting, 5> kSettings = {{
    {"db", "FILE", "The database (default: memtrack.db in the state folder)", false, read_path<&Settings::database>,
     show_path<&Settings::database>},
    {"socket", "FILE", "The socket (default: memtrackd.sock in the runtime folder)", false,
     read_path<&Settings::socket>, show_path<&Settings::socket>},
    {"log_level", "LEVEL", "What is logged: debug, info, warning or error (default: info)", true, read_log_level,
     show_log_level},
    {"drain", "TIME", "How long SIGTERM waits for running trials; then their collectors go on alone (default: 2s)",
     true, read_time<&Settings::drain>, show_time<&Settings::drain>},
    {"log_cap", "SIZE", "How much of what a trial prints is kept, the newest of it (default: 64MiB)", false,
     read_log_cap, show_log_cap},
}};

std::string environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

// The user's, else the machine's; empty where there is neither.
fs::path default_config_file() {
  const std::string config_home = environment("XDG_CONFIG_HOME");
  const fs::path user = config_home.empty() ? fs::path(environment("HOME")) / ".config" : fs::path(config_home);
  for (const fs::path& folder : {user, fs::path("/etc")}) {
    fs::path file = folder / "memtrack/memtrackd.conf";
    std::error_code unreadable;
    if (file.is_absolute() && fs::exists(file, unreadable)) {
      return file;
    }
  }
  return {};
}

std::string read_config(const fs::path& file) {
  std::ifstream stream(file);
  std::string content{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) {
    throw SweepError(fmt::format("cannot read the config file {}: {}; mend it, or name another with --config",
                                 file.string(), std::strerror(errno)));
  }
  return content;
}

// The members of the config file; none where there is no file or nothing in it.
ConfigMap config_members(const std::string& named_file) {
  const fs::path file = config_file(named_file);
  if (file.empty()) {
    return {};
  }
  const std::vector<ConfigDocument> documents = parse_documents(read_config(file), file.string());
  if (documents.empty()) {
    return {};
  }
  const ConfigMap* members = documents.front().root.map();
  if (members == nullptr || documents.size() > 1) {
    fail(documents.back().root.mark, "a config file holds one list of 'name: value' lines, such as log_level: info");
  }
  return *members;
}

const ConfigMember* find_member(const ConfigMap& members, std::string_view name) {
  const auto found = std::find_if(members.begin(), members.end(), [&](const auto& one) { return one.name == name; });
  return found == members.end() ? nullptr : &*found;
}

// Also of values that something else comes before: the file is right or wrong whatever the environment says.
void check(const ConfigMap& members) {
  std::vector<std::string_view> known;
  Settings unused;
  for (const Setting& setting : kSettings) {
    known.push_back(setting.name);
    if (const ConfigMember* member = find_member(members, setting.name)) {
      setting.read(unused, setting.name, member->node);
    }
  }
  for (const ConfigMember& member : members) {
    if (std::find(known.begin(), known.end(), member.name) == known.end()) {
      refuse_key("memtrackd", member, known);
    }
  }
}

// Where the value of one setting comes from, and what it is. nullopt: nobody said anything.
std::optional<ConfigNode> find_value(const Setting& setting, const SettingSources& sources, const ConfigMap& members) {
  if (const auto given = sources.flags.find(setting.name); given != sources.flags.end()) {
    return flag_node(flag_of(setting), given->second);
  }
  const std::string variable = variable_of(setting);
  if (std::string value = environment(variable); !value.empty()) {
    return flag_node(variable, std::move(value));
  }
  const ConfigMember* member = find_member(members, setting.name);
  return member == nullptr ? std::nullopt : std::optional(member->node);
}

// As YAML would read it back: JSON's quotes where the bare text might mean something else.
std::string yaml_text(const std::string& text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@";
  return text.find_first_not_of(kPlain) == std::string::npos ? text : nlohmann::json(text).dump();
}

}  // namespace

std::span<const Setting> all_settings() {
  return kSettings;
}

fs::path config_file(const std::string& flag) {
  const std::string named = flag.empty() ? environment("MEMTRACK_CONFIG") : flag;
  return named.empty() ? default_config_file() : fs::absolute(named);
}

std::string flag_of(const Setting& setting) {
  std::string flag = "--" + std::string(setting.name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string variable_of(const Setting& setting) {
  std::string variable = "MEMTRACK_" + std::string(setting.name);
  std::transform(variable.begin(), variable.end(), variable.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return variable;
}

LoadedSettings load_settings(const SettingSources& sources) {
  const ConfigMap members = config_members(sources.config_file);
  check(members);
  LoadedSettings loaded;
  for (const Setting& setting : kSettings) {
    const std::optional<ConfigNode> value = find_value(setting, sources, members);
    if (value) {
      setting.read(loaded.values, setting.name, *value);
    }
    loaded.origins[setting.name] = value ? to_string(value->mark) : "default";
  }
  loaded.values.database = database_path(loaded.values.database.string());
  loaded.values.socket = daemon_socket_path(loaded.values.socket.string());
  return loaded;
}

std::optional<std::string> configured(std::string_view name) {
  const ConfigMap members = config_members("");
  const auto setting = std::find_if(kSettings.begin(), kSettings.end(), [&](const auto& s) { return s.name == name; });
  const std::optional<ConfigNode> value = find_value(*setting, {}, members);
  if (!value || value->mark.line == 0) {
    return std::nullopt;
  }
  Settings read;
  setting->read(read, name, *value);
  return setting->show(read);
}

std::string to_text(const LoadedSettings& loaded) {
  std::vector<std::string> lines;
  std::size_t width = 0;
  for (const Setting& setting : kSettings) {
    lines.push_back(fmt::format("{}: {}", setting.name, yaml_text(setting.show(loaded.values))));
    width = std::max(width, lines.back().size());
  }
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    text += fmt::format("{:{}}  # {}\n", lines[i], width, loaded.origins.at(kSettings.at(i).name));
  }
  return text;
}

std::vector<const Setting*> changed_settings(const Settings& before, const Settings& now) {
  std::vector<const Setting*> changed;
  for (const Setting& setting : kSettings) {
    if (setting.show(before) != setting.show(now)) {
      changed.push_back(&setting);
    }
  }
  return changed;
}

void take_reloadable(Settings& settings, const Settings& now) {
  for (const Setting& setting : kSettings) {
    if (setting.reloadable) {
      setting.read(settings, setting.name, flag_node(flag_of(setting), setting.show(now)));
    }
  }
}

}  // namespace memtrack
