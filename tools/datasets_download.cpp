#include "tools/datasets_download.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "datasets/download.h"
#include "datasets/download_plan.h"
#include "tools/terminal.h"
#include "tools/text.h"

namespace memtrack {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRedrawPeriod{100};

// The bar of the file that comes just now.
class ArrivalDisplay {
 public:
  void show(const DownloadedBytes& arrived) {
    const auto now = steady_clock::now();
    if (!line_.is_shown() || (arrived.file == name_ && now - drawn_ < kRedrawPeriod)) {
      return;
    }
    if (arrived.file != name_) {
      name_ = arrived.file;
      begun_ = now;
      bytes_before_ = arrived.bytes;
    }
    drawn_ = now;
    line_.draw(arriving_line({name_, arrived.bytes, arrived.total_bytes, bytes_before_,
                              std::chrono::duration<double>(now - begun_).count()}));
  }

  void clear() {
    line_.clear();
    name_.clear();
  }

 private:
  StatusLine line_;
  std::string name_;
  std::int64_t bytes_before_ = 0;
  steady_clock::time_point begun_, drawn_;
};

}  // namespace

std::string arriving_line(const ArrivingFile& file) {
  std::string line(file.name);
  const auto bytes = static_cast<double>(file.bytes);
  const double bytes_per_s =
      file.seconds > 0 ? static_cast<double>(file.bytes - file.bytes_before) / file.seconds : 0.0;
  if (file.total_bytes && *file.total_bytes > 0) {
    const double share = bytes / static_cast<double>(*file.total_bytes);
    line += fmt::format(" {} {:3.0f}%", progress_bar(share), share * 100);
  } else {
    line += fmt::format(" {} MiB", format_mib(bytes));
  }
  if (bytes_per_s > 0) {
    line += fmt::format("  {} MiB/s", format_mib(bytes_per_s));
    if (file.total_bytes) {
      line +=
          fmt::format("  ETA {}", format_seconds(static_cast<double>(*file.total_bytes - file.bytes) / bytes_per_s));
    }
  }
  return line;
}

void download_datasets(const std::vector<const DatasetDescription*>& datasets, const std::string& mirror_flag) {
  const std::string own_mirror = mirror_flag.empty() ? environment_variable("MEMTRACK_MIRROR") : mirror_flag;
  ArrivalDisplay display;
  const DownloadWatcher watcher = {.on_bytes = [&](const DownloadedBytes& arrived) { display.show(arrived); },
                                   .on_finished =
                                       [&](const std::string& line) {
                                         display.clear();
                                         print(line + "\n");
                                         flush_output();
                                       },
                                   .on_trouble =
                                       [&](const std::string& line) {
                                         display.clear();
                                         say("memtrack: " + line);
                                       }};
  for (const DatasetDescription* description : datasets) {
    if (description->mirrors.empty()) {
      print(fmt::format("{}: generated, nothing to download\n", description->name));
      continue;
    }
    download_dataset(*description,
                     {.data_directory = data_directory(),
                      .mirrors = mirrors_of(*description, own_mirror),
                      .limits = {},
                      .pause = [](std::chrono::seconds pause) { std::this_thread::sleep_for(pause); }},
                     watcher);
  }
}

}  // namespace memtrack
