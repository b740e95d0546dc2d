#pragma once

// A line of input at the terminal, with editing, history and completion (libedit).

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace memtrack {

class Prompt {
 public:
  // `file`: earlier lines are taken from there and new ones go there; where it cannot be read or written the
  // history is that of this session. `words`: what Tab completes to.
  Prompt(const std::filesystem::path& file, std::vector<std::string> words);
  ~Prompt();
  Prompt(const Prompt&) = delete;
  Prompt& operator=(const Prompt&) = delete;

  // One line without its line break. Ctrl-C gives it up: is_cancelled() then, and the line is empty. nullopt: Ctrl-D or
  // the terminal's end.
  std::optional<std::string> read_line(const std::string& prompt);
  bool is_cancelled() const;

  // For the arrow keys and the next session.
  void remember(const std::string& statement);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Words that go on from the end of `line`: what is missing of each, in the order of `words`. Case does not matter.
std::vector<std::string> completions(const std::string& line, const std::vector<std::string>& words);

}  // namespace memtrack
