#pragma once

// A YAML document as plain data, each part with its place in the file. config_reader.cpp alone knows yaml-cpp.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sweeps/value.h"

namespace memtrack {

// Where something stands: a place in a file (line and column from 1), or a flag of the command line (line 0).
struct Mark {
  std::shared_ptr<const std::string> source;
  int line = 0;
  int column = 0;
};

// "quickstart.yaml:7:18", or "--set epochs=two"
std::string to_string(const Mark& mark);

// Throws SweepError: the place, then `sentence`.
[[noreturn]] void fail(const Mark& mark, const std::string& sentence);

struct ConfigNode;
struct ConfigMember;
using ConfigList = std::vector<ConfigNode>;
using ConfigMap = std::vector<ConfigMember>;

struct ConfigNode {
  Mark mark;
  std::variant<std::monostate, bool, std::int64_t, double, std::string, ConfigList, ConfigMap> data;

  const ConfigList* list() const { return std::get_if<ConfigList>(&data); }
  const ConfigMap* map() const { return std::get_if<ConfigMap>(&data); }
  const std::string* text() const { return std::get_if<std::string>(&data); }
  const ConfigNode* find(std::string_view name) const;  // nullptr where this is no map or has no such member
};

struct ConfigMember {
  std::string name;
  Mark mark;  // of the name
  ConfigNode node;
};

ParameterValue to_value(const ConfigNode& node);

// "'two'", "[1, 2]": the value as a message shows it.
std::string shown(const ConfigNode& node);

struct ConfigDocument {
  std::string text;  // the part of the file that is this document
  ConfigNode root;
};

// The documents of a file, empty ones left out. Scalars are typed as by PyYAML, which W&B reads with, but that 1e-5 is
// a number (there: text, for want of a dot). Refuses what is not UTF-8, duplicate keys, aliases that multiply beyond
// reason. Throws SweepError.
std::vector<ConfigDocument> parse_documents(std::string_view text, const std::string& file_name);

// One value from the command line, in YAML; "128,64" is a list too. Every mark is `source`, line 0.
ConfigNode parse_flag_value(std::string_view text, const std::string& source);

}  // namespace memtrack
