#pragma once

#include <string>

#include "tools/plot/picture.h"

namespace memtrack {

// The picture in letters, `width` columns wide: a sign a series, the phases as a row of letters below.
std::string text_picture(const Picture& picture, std::size_t width);

}  // namespace memtrack
