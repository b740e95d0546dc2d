#include "tools/plot/gnuplot.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "tools/child_process.h"
#include "tools/exit_codes.h"
#include "tools/text.h"

namespace memtrack {

PictureFormat picture_format(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (extension == ".svg") return PictureFormat::svg;
  if (extension == ".png") return PictureFormat::png;
  if (extension == ".pdf") return PictureFormat::pdf;
  throw UsageError(fmt::format("{} would have to end in .svg, .png or .pdf, which says how it is drawn",
                               escape_controls(path.string())));
}

std::string draw_picture(const Picture& picture, PictureFormat format) {
  // Without -d it would read ~/.gnuplot.
  const auto answer = run_to_end("gnuplot", {"-d"}, gnuplot_script(picture, format));
  if (!answer) {
    throw std::runtime_error(
        "gnuplot draws the pictures and is not installed; Debian has it as gnuplot-nox ('apt install gnuplot-nox'). "
        "Without --output the curve comes to the terminal as text");
  }
  if (answer->exit_code != 0 || answer->output.empty()) {
    throw std::runtime_error(fmt::format("gnuplot could not draw the picture (exit code {}): {}", answer->exit_code,
                                         escape_controls(answer->errors.substr(0, 500))));
  }
  return answer->output;
}

}  // namespace memtrack
