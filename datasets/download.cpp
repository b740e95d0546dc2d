#include "datasets/download.h"

#include <fmt/format.h>

#include <algorithm>

#include "datasets/download_plan.h"
#include "datasets/part_file.h"

namespace memtrack {
namespace {

namespace fs = std::filesystem;

// A mirror's file that cannot be the right one.
class TooLarge : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class FileDownload {
 public:
  FileDownload(const DatasetDescription& description, const PublishedFile& file, const DownloadSettings& settings,
               const DownloadWatcher& watcher)
      : description_(description),
        file_(file),
        settings_(settings),
        watcher_(watcher),
        part_(settings.data_directory / description.name / file.name) {}

  void run(HttpClient& client) {
    // An earlier download may have ended between the last byte and the name.
    const bool is_whole = part_.bytes() > 0 && !published_file_fault(description_, file_.name, part_.path());
    if (!is_whole) fetch_from_mirrors(client);
    part_.commit();
    watcher_.on_finished(fmt::format("{}: {}: downloaded, {} bytes", description_.name, file_.name, part_.bytes()));
  }

 private:
  void fetch_from_mirrors(HttpClient& client) {
    std::string reasons;
    for (const std::string& mirror : settings_.mirrors) {
      const std::string url = file_url(mirror, file_.name);
      const auto reason = fetch_right(client, url);
      if (!reason) return;
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", url, *reason);
      if (&mirror != &settings_.mirrors.back()) {
        watcher_.on_trouble(fmt::format("{}: {}; the next mirror is asked", url, *reason));
      }
    }
    throw DownloadError(
        fmt::format("{}: {} could not be downloaded: {}; try again later, or name a mirror with "
                    "--mirror URL",
                    description_.name, file_.name, reasons));
  }

  // Until the contents are right; returns why this mirror does not give them, where it does not.
  std::optional<std::string> fetch_right(HttpClient& client, const std::string& url) {
    while (true) {
      const bool has_older_bytes = part_.bytes() > 0;
      if (auto reason = fetch(client, url)) return reason;
      const auto fault = published_file_fault(description_, file_.name, part_.path());
      if (!fault) return std::nullopt;
      part_.start_over();
      if (!has_older_bytes) return "not the published file: " + *fault;
      watcher_.on_trouble(fmt::format("{}: what lay here already does not fit what came; from the beginning", url));
    }
  }

  // Until all bytes are there; returns why not, where they are not to be had.
  std::optional<std::string> fetch(HttpClient& client, const std::string& url) {
    for (Patience patience;;) {
      const std::int64_t bytes_before = part_.bytes();
      HttpReply reply;
      try {
        reply = client.get(url, bytes_before, sink());
      } catch (const TooLarge& error) {
        part_.start_over();
        return error.what();
      }
      if (reply.end == HttpEnd::complete) return std::nullopt;
      if (reply.end == HttpEnd::refused) return reply.error;
      if (reply.end == HttpEnd::no_range) part_.start_over();
      if (!patience.allows_another(part_.bytes() - bytes_before)) return reply.error;
      const auto pause = patience.pause(reply.retry_after);
      watcher_.on_trouble(
          fmt::format("{}: {}; again in {} s, from byte {}", url, reply.error, pause.count(), part_.bytes()));
      settings_.pause(pause);
    }
  }

  HttpSink sink() {
    return {.begin =
                [this](std::int64_t first_byte, std::optional<std::int64_t> total_bytes) {
                  if (first_byte != part_.bytes()) part_.start_over();
                  total_bytes_ = total_bytes;
                  expect_possible(total_bytes.value_or(0));
                  if (total_bytes) part_.reserve(*total_bytes);
                },
            .add =
                [this](std::span<const std::uint8_t> bytes) {
                  expect_possible(part_.bytes() + static_cast<std::int64_t>(bytes.size()));
                  part_.append(bytes, total_bytes_);
                  watcher_.on_bytes({file_.name, part_.bytes(), total_bytes_});
                }};
  }

  void expect_possible(std::int64_t bytes) const {
    if (bytes <= file_.most_bytes) return;
    throw TooLarge(fmt::format("not the published file: larger than the {} bytes that are possible", file_.most_bytes));
  }

  const DatasetDescription& description_;
  const PublishedFile& file_;
  const DownloadSettings& settings_;
  const DownloadWatcher& watcher_;
  PartFile part_;
  std::optional<std::int64_t> total_bytes_;
};

// Whether what lies in the data folder makes the published file unnecessary. CIFAR-10's one file holds all contents.
bool is_there(const DatasetDescription& description, const PublishedFile& file,
              const std::vector<VerifiedContent>& contents) {
  return std::ranges::all_of(contents, [&](const VerifiedContent& content) {
    return content.is_right() || (description.format != DatasetFormat::cifar && content.name != file.name);
  });
}

// A folder of batches is read rather than the archive: no download would help.
void expect_no_wrong_batches(const DatasetDescription& description, const std::vector<VerifiedContent>& contents) {
  if (description.format != DatasetFormat::cifar) return;
  for (const VerifiedContent& content : contents) {
    if (content.is_right() || content.path.filename() != content.name) continue;
    if (std::ranges::any_of(contents, [](const VerifiedContent& other) { return other.path.empty(); })) return;
    throw DownloadError(
        fmt::format("{}: is not the published file, and the folder is read rather than an archive "
                    "beside it; remove {} and run the command again",
                    content.path.string(), content.path.parent_path().string()));
  }
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw DownloadError(fmt::format("{}: the folder cannot be made: {}", folder.string(), error.message()));
}

}  // namespace

void download_dataset(const DatasetDescription& description, const DownloadSettings& settings,
                      const DownloadWatcher& watcher) {
  const fs::path folder = settings.data_directory / description.name;
  make_folder(folder);
  const FolderLock lock(folder);
  const std::vector<VerifiedContent> contents = verify_dataset(description, settings.data_directory);
  expect_no_wrong_batches(description, contents);
  HttpClient client(settings.limits);
  for (const PublishedFile& file : published_files(description)) {
    if (is_there(description, file, contents)) {
      watcher.on_finished(fmt::format("{}: {}: there already", description.name, file.name));
      continue;
    }
    if (fs::exists(folder / file.name)) {
      watcher.on_trouble(fmt::format("{}: is not the published file; it is downloaded anew and then replaced",
                                     (folder / file.name).string()));
    }
    FileDownload(description, file, settings, watcher).run(client);
  }
}

}  // namespace memtrack
