#include "sweeps/command.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "sweeps/value.h"

namespace memtrack {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kArgsJsonFile = "${args_json_file}";
constexpr std::string_view kEnvvar = "${envvar:";

ParameterValue value_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return {json.get<bool>()};
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return {json.get<std::int64_t>()};
    case Json::value_t::number_float:
      return {json.get<double>()};
    case Json::value_t::string:
      return {json.get<std::string>()};
    case Json::value_t::array: {
      ValueList list;
      std::transform(json.begin(), json.end(), std::back_inserter(list), value_of);
      return {list};
    }
    case Json::value_t::object: {
      ValueDict dict;
      for (const auto& [name, member] : json.items()) {
        dict.push_back({name, value_of(member)});
      }
      return {dict};
    }
    default:
      return {};
  }
}

// A name that YAML reads as itself without quotes.
bool is_plain_name(std::string_view name) {
  constexpr std::array<std::string_view, 9> kWords = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_inner = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; };
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return !name.empty() && is_letter(name.front()) && std::all_of(name.begin(), name.end(), is_inner) &&
         std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
}

std::string expand_envvars(const std::string& word, const std::map<std::string, std::string>& environment) {
  std::string result;
  std::size_t at = 0;
  for (std::size_t begin = word.find(kEnvvar); begin != std::string::npos; begin = word.find(kEnvvar, at)) {
    const std::size_t end = word.find('}', begin);
    if (end == std::string::npos) {
      break;
    }
    const std::string name = word.substr(begin + kEnvvar.size(), end - begin - kEnvvar.size());
    const auto found = environment.find(name);
    result.append(word, at, begin - at).append(found == environment.end() ? name : found->second);
    at = end + 1;
  }
  return result.append(word, at);
}

}  // namespace

std::vector<std::string> expand_late_macros(const std::vector<std::string>& command,
                                            const std::map<std::string, std::string>& environment,
                                            const std::string& args_json_file) {
  std::vector<std::string> result;
  result.reserve(command.size());
  for (const std::string& word : command) {
    result.push_back(word == kArgsJsonFile ? args_json_file : expand_envvars(word, environment));
  }
  return result;
}

bool uses_args_json_file(const std::vector<std::string>& command) {
  return std::find(command.begin(), command.end(), kArgsJsonFile) != command.end();
}

std::string sweep_param_file(std::string_view parameters_json) {
  Json parameters;
  try {
    parameters = Json::parse(parameters_json);
  } catch (const Json::exception& error) {
    throw std::runtime_error(std::string("the parameters of a trial are not JSON: ") + error.what());
  }
  if (!parameters.is_object()) {
    throw std::runtime_error("the parameters of a trial are not a JSON object");
  }
  std::string file;
  for (const auto& [name, value] : parameters.items()) {
    file += (is_plain_name(name) ? name : json_string(name, JsonStyle::yaml)) +
            ": {\"value\": " + to_json(value_of(value), JsonStyle::yaml) + "}\n";
  }
  return file;
}

}  // namespace memtrack
