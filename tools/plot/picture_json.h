#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tools/plot/picture.h"

namespace memtrack {

// A panel as report/page.js draws it, with the ranges of its axes. Not a number anywhere: null.
nlohmann::ordered_json panel_json(const Panel& panel);

}  // namespace memtrack
