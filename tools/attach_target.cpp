#include "tools/attach_target.h"

#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>

#include "collector/proc_reader.h"
#include "collector/proc_text.h"
#include "tools/exit_codes.h"
#include "tools/text.h"

namespace memtrack {
namespace {

// The rest of the line that begins with `name`, blanks around it left out: "State:" -> "Z (zombie)".
std::string_view value_of(std::string_view status, std::string_view name) {
  for (std::string_view rest = status; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.starts_with(name)) {
      line.remove_prefix(name.size());
      line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
      return line;
    }
  }
  return {};
}

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find_first_of(" \t"));
}

std::string user_name(std::int64_t uid) {
  const passwd* entry = getpwuid(static_cast<uid_t>(uid));
  return entry != nullptr ? entry->pw_name : fmt::format("user {}", uid);
}

// NUL-separated, NUL at the end. Words that are no UTF-8 could not be stored as they are.
std::vector<std::string> words_of(std::string_view command_line) {
  std::vector<std::string> words;
  while (!command_line.empty()) {
    const std::size_t end = std::min(command_line.find('\0'), command_line.size());
    const std::string_view word = command_line.substr(0, end);
    words.push_back(is_utf8(word) ? std::string(word) : escape_controls(word));
    command_line.remove_prefix(std::min(end + 1, command_line.size()));
  }
  return words;
}

}  // namespace

std::string attach_problem(pid_t pid, std::string_view status, const Attacher& attacher) {
  if (pid == attacher.pid) {
    return fmt::format("process {} is this memtrack itself, which measures others", pid);
  }
  if (const auto process = parse_integer(value_of(status, "Tgid:")); process && *process != pid) {
    return fmt::format("{0} is a thread of process {1}: measure that one, with 'memtrack attach {1}'", pid, *process);
  }
  if (value_of(status, "State:").starts_with("Z") || value_of(status, "State:").starts_with("X")) {
    return fmt::format("process {} has ended (a zombie, until its parent takes note): nothing of it is left to measure",
                       pid);
  }
  const auto owner = parse_integer(first_word(value_of(status, "Uid:")));
  if (attacher.uid != 0 && owner && *owner != static_cast<std::int64_t>(attacher.uid)) {
    return fmt::format("process {} belongs to {}, and its memory may not be read by others; run memtrack as {}root",
                       pid, user_name(*owner), *owner == 0 ? "" : user_name(*owner) + " or as ");
  }
  if (!parse_proc_status(status)) {
    return fmt::format("process {} is one of the kernel's own, without memory of its own to measure", pid);
  }
  return "";
}

AttachTarget find_attach_target(pid_t pid, const Attacher& attacher, const std::filesystem::path& proc) {
  ProcReader reader(proc);
  const std::string folder = std::to_string(pid);
  const auto status = reader.read_once(folder + "/status");
  const auto stat = reader.read_stat(pid);
  if (!status || !stat) {
    throw UsageError(fmt::format("there is no process {}, or none that may be seen; 'ps -e' lists them", pid));
  }
  if (const std::string problem = attach_problem(pid, *status, attacher); !problem.empty()) {
    throw UsageError(problem);
  }
  std::error_code ignored;
  AttachTarget target{.pid = pid,
                      .start_ticks = stat->start_ticks,
                      .name = is_utf8(stat->name) ? stat->name : escape_controls(stat->name),
                      .command = words_of(reader.read_once(folder + "/cmdline").value_or("")),
                      .cwd = std::filesystem::read_symlink(proc / folder / "cwd", ignored).string()};
  if (target.command.empty()) {
    target.command = {target.name};
  }
  return target;
}

}  // namespace memtrack
