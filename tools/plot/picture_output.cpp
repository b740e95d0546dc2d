#include "tools/plot/picture_output.h"

#include <CLI/CLI.hpp>

#include "tools/output_file.h"
#include "tools/plot/gnuplot.h"
#include "tools/plot/text_chart.h"
#include "tools/terminal.h"

namespace memtrack {

void add_picture_options(CLI::App& command, PictureOutput& output) {
  command
      .add_option("-o,--output", output.file,
                  "A picture in this file, by gnuplot: .svg, .png or .pdf (default: as text, on the terminal)")
      ->type_name("FILE");
  command.add_flag("--force", output.force, "Replace the file where it is there already");
}

void check_picture_output(const PictureOutput& output) {
  if (output.file.empty()) return;
  picture_format(output.file);
  check_output_file(output.file, output.force);
}

void put_picture(const Picture& picture, const PictureOutput& output) {
  if (output.file.empty()) {
    print(text_picture(picture, output_width()));
    return;
  }
  write_output_file(output.file, draw_picture(picture, picture_format(output.file)), output.force);
}

}  // namespace memtrack
