#include "sweeps/macros.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "sweeps/checks.h"
#include "sweeps/nearest_name.h"

namespace memtrack {
namespace {

constexpr std::array<std::string_view, 12> kMacros = {"env",
                                                      "interpreter",
                                                      "program",
                                                      "args",
                                                      "args_no_hyphens",
                                                      "args_no_boolean_flags",
                                                      "args_no_equals",
                                                      "args_append_hydra",
                                                      "args_override_hydra",
                                                      "args_json",
                                                      "args_json_file",
                                                      "envvar:NAME"};

// "args" for "${args}", empty where the word is no macro.
std::string_view macro_name(std::string_view word) {
  return word.starts_with("${") && word.ends_with("}") && word.find('}') == word.size() - 1
             ? word.substr(2, word.size() - 3)
             : std::string_view();
}

bool is_known(std::string_view macro) {
  return std::find(kMacros.begin(), kMacros.end() - 1, macro) != kMacros.end() - 1;
}

void check_word(const std::string& word, const ConfigNode& node, bool has_program, std::vector<std::string>& warnings) {
  if (word.find('\0') != std::string::npos) {
    fail(node.mark, "a word of command holds a NUL character");
  }
  const std::string_view macro = macro_name(word);
  if (macro == "program" && !has_program) {
    fail(node.mark, "command names ${program}, but the sweep has no program; add one such as program: train.py");
  }
  if (!macro.empty() && !macro.starts_with("envvar:") && !is_known(macro)) {
    const std::string hint = did_you_mean(macro, kMacros);
    fail(node.mark, "the macro ${" + std::string(macro) + "} is not known" +
                        (hint.empty() ? "; there are " + join_names(kMacros) : hint));
  }
  if (!macro.empty()) {
    return;
  }
  for (const std::string_view known : kMacros) {
    if (word.find("${" + std::string(known) + "}") != std::string::npos) {
      warnings.push_back(to_string(node.mark) + ": ${" + std::string(known) + "} inside of " + quoted(word) +
                         " is passed on as it stands; a macro is expanded only where it is a whole word");
    }
  }
}

bool is_program(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && access(path.c_str(), X_OK) == 0;
}

std::vector<std::string> prefixed_args(const ValueDict& values, std::string_view prefix) {
  std::vector<std::string> args;
  for (const auto& [name, value] : values) {
    args.push_back(std::string(prefix) + name + "=" + python_str(value));
  }
  return args;
}

std::vector<std::string> args_no_boolean_flags(const ValueDict& values) {
  std::vector<std::string> args;
  for (const auto& [name, value] : values) {
    const bool* flag = std::get_if<bool>(&value.data);
    if (flag == nullptr) {
      args.push_back("--" + name + "=" + python_str(value));
    } else if (*flag) {
      args.push_back("--" + name);
    }
  }
  return args;
}

std::vector<std::string> args_no_equals(const ValueDict& values) {
  std::vector<std::string> args;
  for (const auto& [name, value] : values) {
    args.push_back("--" + name);
    args.push_back(python_str(value));
  }
  return args;
}

}  // namespace

std::vector<std::string> parse_command(const ConfigNode& node, bool has_program, std::vector<std::string>& warnings) {
  if (node.list() == nullptr || node.list()->empty()) {
    refuse("command", node, R"(a list such as ["${env}", "${interpreter}", "${program}", "${args}"])");
  }
  std::vector<std::string> command;
  for (const ConfigNode& item : *node.list()) {
    if (item.list() != nullptr || item.map() != nullptr || std::holds_alternative<std::monostate>(item.data)) {
      refuse("a word of command", item, "a text such as --verbose");
    }
    const std::string word = python_str(to_value(item));
    check_word(word, item, has_program, warnings);
    command.push_back(word);
  }
  if (command.front().empty() || command.front().starts_with("${args")) {
    refuse("the first word of command", node.list()->front(), "the program to start");
  }
  return command;
}

std::vector<std::string> default_command() {
  return {"${env}", "${interpreter}", "${program}", "${args}"};
}

std::string find_interpreter(const std::map<std::string, std::string>& environment) {
  const auto found = environment.find("PATH");
  const std::string path = found == environment.end() ? "/usr/local/bin:/usr/bin:/bin" : found->second;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const std::string directory = path.substr(begin, end - begin);
    if (directory.starts_with('/') && is_program(directory + "/python")) {
      return "python";
    }
    begin = end + 1;
  }
  return "python3";
}

std::vector<std::string> hyphened_args(const ValueDict& values) {
  return prefixed_args(values, "--");
}

std::vector<std::string> expand_macros(const std::vector<std::string>& command, const std::string& program,
                                       const std::string& interpreter, const ValueDict& values) {
  std::vector<std::string> result;
  const auto append = [&](const std::vector<std::string>& words) {
    result.insert(result.end(), words.begin(), words.end());
  };
  for (const std::string& word : command) {
    const std::string_view macro = macro_name(word);
    if (macro == "env") {
      result.emplace_back("/usr/bin/env");
    } else if (macro == "interpreter") {
      result.push_back(interpreter);
    } else if (macro == "program") {
      result.push_back(program);
    } else if (macro == "args") {
      append(hyphened_args(values));
    } else if (macro == "args_no_hyphens") {
      append(prefixed_args(values, ""));
    } else if (macro == "args_no_boolean_flags") {
      append(args_no_boolean_flags(values));
    } else if (macro == "args_no_equals") {
      append(args_no_equals(values));
    } else if (macro == "args_append_hydra") {
      append(prefixed_args(values, "+"));
    } else if (macro == "args_override_hydra") {
      append(prefixed_args(values, "++"));
    } else if (macro == "args_json") {
      result.push_back(to_json({values}, JsonStyle::python));
    } else {
      result.push_back(word);
    }
  }
  return result;
}

}  // namespace memtrack
