// The completions hold what --help shows, and the shells that are here offer it.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <regex>
#include <set>
#include <sstream>

#include "tests/end_to_end/session.h"

using memtrack::testing::Session;

namespace {

struct HelpPage {
  std::string path;  // "daemon start"
  std::set<std::string> options;
  std::set<std::string> subcommands;
};

// What the help of one command names, read as a user reads it.
HelpPage read_help(const Session& session, const std::string& path) {
  static const std::regex option(R"(^  (-\w)?,?(--[a-z][-\w]*)? .*)");
  static const std::regex subcommand(R"(^  ([a-z]+)  .*)");
  HelpPage page{.path = path, .options = {}, .subcommands = {}};
  std::istringstream lines(session.output_of("memtrack " + path + " --help"));
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (!line.empty() && line.front() != ' ') {
      section = line;
    } else if (section == "Options:" && std::regex_match(line, found, option)) {
      for (const std::string& name : {found[1].str(), found[2].str()}) {
        if (!name.empty()) {
          page.options.insert(name);
        }
      }
    } else if (section == "Subcommands:" && std::regex_match(line, found, subcommand)) {
      page.subcommands.insert(found[1]);
    }
  }
  return page;
}

void read_help_below(const Session& session, const std::string& path, std::vector<HelpPage>& pages) {
  pages.push_back(read_help(session, path));
  for (const std::string& name : HelpPage(pages.back()).subcommands) {
    read_help_below(session, path.empty() ? name : path + " " + name, pages);
  }
}

std::vector<HelpPage> all_help(const Session& session) {
  std::vector<HelpPage> pages;
  read_help_below(session, "", pages);
  REQUIRE(pages.size() > 15);
  return pages;
}

bool has_shell(const Session& session, const std::string& shell) {
  const bool has = session.run("command -v " + shell).exit_code == 0;
  if (!has) {
    MESSAGE("not tried: there is no ", shell, " here");
  }
  return has;
}

std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> words;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    words.insert(word);
  }
  return words;
}

// What `complete` offers for "memtrack PATH" with an empty last word, and with one that begins like an option.
void check_offers(const Session& session, const std::function<std::string(const std::string& words)>& complete) {
  for (const HelpPage& page : all_help(session)) {
    CAPTURE(page.path);
    const std::string typed = page.path.empty() ? "memtrack " : "memtrack " + page.path + " ";
    const std::set<std::string> commands = words_of(complete(typed));
    const std::set<std::string> options = words_of(complete(typed + "-"));
    for (const std::string& name : page.subcommands) {
      CAPTURE(name);
      CHECK(commands.contains(name));
    }
    for (const std::string& name : page.options) {
      CAPTURE(name);
      CHECK(options.contains(name));
    }
  }
}

}  // namespace

TEST_CASE("bash offers every subcommand and option that --help shows") {
  const Session session;
  session.output_of("memtrack completion bash > memtrack.bash");
  check_offers(session, [&](const std::string& typed) {
    session.write_file("ask.bash", fmt::format("source ./memtrack.bash\nCOMP_WORDS=({}{})\n"
                                               "COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n_memtrack\n"
                                               "echo \"${{COMPREPLY[@]}}\"\n",
                                               typed, typed.ends_with(' ') ? "''" : ""));
    return session.output_of("bash ask.bash");
  });
}

TEST_CASE("fish offers every subcommand and option that --help shows") {
  const Session session;
  if (!has_shell(session, "fish")) {
    return;
  }
  session.output_of("memtrack completion fish > memtrack.fish");
  check_offers(session, [&](const std::string& typed) {
    // Long and short options are asked for apart, as fish does.
    const std::string long_ones = typed.ends_with('-') ? typed + "-" : typed;
    return session.output_of(
        fmt::format("export HOME=$PWD; fish -c 'source memtrack.fish; complete -C \"{}\"; "
                    "complete -C \"{}\"' | cut -f1",
                    typed, long_ones));
  });
}

TEST_CASE("zsh's completion names every subcommand and option that --help shows in its command's function") {
  const Session session;
  const std::string text = session.output_of("memtrack completion zsh");
  for (const HelpPage& page : all_help(session)) {
    std::string name = "_memtrack" + (page.path.empty() ? "" : "_" + page.path);
    std::replace(name.begin(), name.end(), ' ', '_');
    const std::size_t begin = text.find("\n" + name + "() {");
    REQUIRE(begin != std::string::npos);
    const std::string function = text.substr(begin, text.find("\n}\n", begin) - begin);
    CAPTURE(function);
    for (const std::string& option : page.options) {
      CAPTURE(option);
      CHECK(std::regex_search(function, std::regex("[ {,]" + option + "['},]")));
    }
    for (const std::string& subcommand : page.subcommands) {
      CHECK(function.find("'" + subcommand + ":") != std::string::npos);
    }
  }
  if (has_shell(session, "zsh")) {
    session.output_of("memtrack completion zsh > _memtrack && zsh -n _memtrack");
  }
}

TEST_CASE("a shell that is not known is refused with those that are") {
  const Session session;
  const auto result = session.run("memtrack completion tcsh");
  CHECK(result.exit_code == 2);
  CHECK(result.errors.find("bash") != std::string::npos);
}
