#pragma once

#include <string>

#include "tools/plot/picture.h"

namespace CLI {
class App;
}  // namespace CLI

namespace memtrack {

// Where a picture goes.
struct PictureOutput {
  std::string file;  // empty: the terminal, as text
  bool force = false;
};

// --output and --force.
void add_picture_options(CLI::App& command, PictureOutput& output);

// To be asked before the work begins. Throws UsageError.
void check_picture_output(const PictureOutput& output);

void put_picture(const Picture& picture, const PictureOutput& output);

}  // namespace memtrack
