#pragma once

#include <string>
#include <string_view>

#include "tools/text_table.h"

namespace memtrack {

// A tabular environment that any LaTeX takes, without packages; titles of several lines are stacked.
std::string render_latex(const TextTable& table);

// "50%_a" -> "50\%\_a"; ± and >= become mathematics.
std::string escape_latex(std::string_view text);

}  // namespace memtrack
