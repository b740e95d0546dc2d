#pragma once

#include "tools/effects/effects_text.h"
#include "tools/plot/picture.h"

namespace memtrack {

// Each effect over its range with its 95% interval, in the order of the table; controls told apart.
Picture effects_picture(const EffectsAnswer& answer);

}  // namespace memtrack
