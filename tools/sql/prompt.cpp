#include "tools/sql/prompt.h"

#include <histedit.h>

#include <algorithm>
#include <cctype>
#include <clocale>
#include <cstdio>
#include <utility>

#include "tools/terminal.h"

namespace memtrack {
namespace {

constexpr int kHistoryLines = 1000;

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

std::string last_word(const std::string& line) {
  const auto begin = std::find_if_not(line.rbegin(), line.rend(), is_word).base();
  return {begin, line.end()};
}

// What all of them begin with.
std::string common_beginning(const std::vector<std::string>& texts) {
  std::string common = texts.front();
  for (const std::string& text : texts) {
    const auto [end, other] = std::mismatch(common.begin(), common.end(), text.begin(), text.end());
    common.erase(end, common.end());
  }
  return common;
}

}  // namespace

std::vector<std::string> completions(const std::string& line, const std::vector<std::string>& words) {
  const std::string begun = last_word(line);
  std::vector<std::string> missing;
  for (const std::string& word : words) {
    const bool goes_on = word.size() >= begun.size() && std::equal(begun.begin(), begun.end(), word.begin(),
                                                                   [](char a, char b) { return lower(a) == lower(b); });
    const std::string rest = goes_on ? word.substr(begun.size()) : "";
    if (goes_on && !begun.empty() && std::find(missing.begin(), missing.end(), rest) == missing.end()) {
      missing.push_back(rest);
    }
  }
  return missing;
}

struct Prompt::State {
  std::unique_ptr<EditLine, void (*)(EditLine*)> line{nullptr, el_end};
  std::unique_ptr<History, void (*)(History*)> lines{nullptr, history_end};
  std::filesystem::path file;
  std::vector<std::string> words;
  std::string prompt;
  bool is_cancelled = false;

  static State& of(EditLine* line) {
    void* held = nullptr;
    el_get(line, EL_CLIENTDATA, &held);
    return *static_cast<State*>(held);
  }

  static unsigned char complete(EditLine* line, int /*key*/) {
    const LineInfo* typed = el_line(line);
    const std::vector<std::string> found = completions({typed->buffer, typed->cursor}, of(line).words);
    if (found.empty()) return CC_REFRESH_BEEP;
    const std::string common = common_beginning(found);
    if (!common.empty()) return el_insertstr(line, common.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    if (found.size() == 1) return CC_REFRESH;
    const std::string begun = last_word({typed->buffer, typed->cursor});
    print("\n");
    for (const std::string& rest : found) print(begun + rest + "  ");
    print("\n");
    flush_output();
    return CC_REDISPLAY;
  }

  // The line is given up, and reading ends with an empty one.
  static unsigned char cancel(EditLine* line, int /*key*/) {
    const LineInfo* typed = el_line(line);
    const auto length = static_cast<int>(typed->lastchar - typed->buffer);
    el_cursor(line, length);
    el_deletestr(line, length);
    of(line).is_cancelled = true;
    print("^C\n");
    flush_output();
    return CC_NEWLINE;
  }

  static char* show_prompt(EditLine* line) { return of(line).prompt.data(); }
};

Prompt::Prompt(const std::filesystem::path& file, std::vector<std::string> words) : state_(std::make_unique<State>()) {
  std::setlocale(LC_CTYPE, "");  // how wide characters are
  state_->file = file;
  state_->words = std::move(words);
  state_->line.reset(el_init("memtrack", stdin, stdout, stderr));
  state_->lines.reset(history_init());
  EditLine* line = state_->line.get();
  HistEvent event;
  history(state_->lines.get(), &event, H_SETSIZE, kHistoryLines);
  history(state_->lines.get(), &event, H_SETUNIQUE, 1);
  history(state_->lines.get(), &event, H_LOAD, file.c_str());
  el_set(line, EL_CLIENTDATA, state_.get());
  el_set(line, EL_PROMPT, &State::show_prompt);
  el_set(line, EL_EDITOR, "emacs");
  el_set(line, EL_HIST, history, state_->lines.get());
  el_set(line, EL_ADDFN, "complete-word", "Complete the word", &State::complete);
  el_set(line, EL_ADDFN, "give-up-line", "Give the line up", &State::cancel);
  el_set(line, EL_BIND, "^I", "complete-word", nullptr);
  el_set(line, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  // Ctrl-C is a key while a line is edited, and a signal at all other times.
  el_set(line, EL_SETTY, "-d", "-isig", nullptr);
  // Else the kernel, having sent that signal, throws away what is on its way to the terminal: our answer to it.
  el_set(line, EL_SETTY, "-x", "+noflsh", nullptr);
  el_set(line, EL_BIND, "^C", "give-up-line", nullptr);
}

Prompt::~Prompt() = default;

std::optional<std::string> Prompt::read_line(const std::string& prompt) {
  state_->prompt = prompt;
  state_->is_cancelled = false;
  flush_output();
  // el_gets() shows the prompt first and takes the terminal over with the first key: what is typed in between would be
  // echoed twice, and Ctrl-C would be a signal.
  el_set(state_->line.get(), EL_PREP_TERM, 1);
  int count = 0;
  const char* text = el_gets(state_->line.get(), &count);
  if (state_->is_cancelled) return "";
  if (text == nullptr || count <= 0) return std::nullopt;
  std::string line(text, static_cast<std::size_t>(count));
  line.erase(line.find_last_not_of('\n') + 1);
  return line;
}

bool Prompt::is_cancelled() const {
  return state_->is_cancelled;
}

void Prompt::remember(const std::string& statement) {
  std::error_code error;
  std::filesystem::create_directories(state_->file.parent_path(), error);  // without it, this session's history alone
  HistEvent event;
  history(state_->lines.get(), &event, H_ENTER, statement.c_str());
  history(state_->lines.get(), &event, H_SAVE, state_->file.c_str());
}

}  // namespace memtrack
