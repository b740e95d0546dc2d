// Findings as people and programs read them.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/doctor.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

std::string_view colour_of(Ability ability) {
  return ability == Ability::ok ? "32" : ability == Ability::limited ? "33" : "31";
}

// Of several findings: "3 limited, 1 missing".
std::string closing_line(const std::vector<Finding>& findings) {
  const auto count = [&](Ability ability) {
    return std::count_if(findings.begin(), findings.end(),
                         [&](const Finding& finding) { return finding.ability == ability; });
  };
  const auto limited = count(Ability::limited);
  const auto missing = count(Ability::missing);
  std::string rest = limited > 0 ? fmt::format("{} limited", limited) : "";
  rest += missing > 0 ? fmt::format("{}{} missing", rest.empty() ? "" : ", ", missing) : "";
  return fmt::format("memtrack {} here{}.\n", can_work(findings) ? "can measure" : "cannot work",
                     rest.empty() ? "" : ": " + rest);
}

}  // namespace

std::string_view to_string(Ability ability) {
  switch (ability) {
    case Ability::ok:
      return "ok";
    case Ability::limited:
      return "limited";
    case Ability::missing:
      break;
  }
  return "missing";
}

std::string findings_text(const std::vector<Finding>& findings, std::size_t width, bool in_colour) {
  constexpr std::size_t kAbilityWidth = 9;
  constexpr std::size_t kSubjectWidth = 19;
  constexpr std::size_t kMargin = kAbilityWidth + kSubjectWidth;
  constexpr std::size_t kLeastWidth = 30;
  const std::size_t room = std::max(kLeastWidth, width > kMargin ? width - kMargin : 0);
  std::string text;
  for (const Finding& finding : findings) {
    std::vector<std::string> lines = wrap_words(escape_controls(finding.text), room);
    if (!finding.remedy.empty() && finding.ability != Ability::ok) {
      for (std::string& line : wrap_words("-> " + escape_controls(finding.remedy), room)) {
        lines.push_back(std::move(line));
      }
    }
    const std::string padding(kAbilityWidth - to_string(finding.ability).size(), ' ');
    text += coloured(to_string(finding.ability), colour_of(finding.ability), in_colour) + padding +
            fmt::format("{:<{}}{}\n", finding.subject, kSubjectWidth, lines.front());
    for (std::size_t i = 1; i < lines.size(); ++i) {
      text += std::string(kMargin, ' ') + lines[i] + "\n";
    }
  }
  return text + "\n" + closing_line(findings);
}

std::string findings_json(const std::vector<Finding>& findings) {
  using nlohmann::ordered_json;
  ordered_json list = ordered_json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"subject", finding.subject},
                    {"ability", to_string(finding.ability)},
                    {"needed", finding.is_needed},
                    {"text", finding.text},
                    {"remedy", finding.remedy.empty() ? ordered_json(nullptr) : ordered_json(finding.remedy)}});
  }
  const ordered_json document = {{"can_work", can_work(findings)}, {"findings", std::move(list)}};
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace memtrack
