#pragma once

// Pictures as files, drawn by gnuplot. It gets its script on standard input, from us alone: no shell, no settings of
// the user's, no names of files.

#include <filesystem>
#include <string>

#include "tools/plot/picture.h"

namespace memtrack {

enum class PictureFormat { svg, png, pdf };

// By the end of the file's name. Throws UsageError naming the three.
PictureFormat picture_format(const std::filesystem::path& path);

// What gnuplot is given. The same picture gives the same script.
std::string gnuplot_script(const Picture& picture, PictureFormat format);

// The picture's bytes. Throws std::runtime_error: there is no gnuplot (and how to get it), or it could not draw (its
// own words).
std::string draw_picture(const Picture& picture, PictureFormat format);

}  // namespace memtrack
