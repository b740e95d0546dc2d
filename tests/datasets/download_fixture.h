#pragma once

// A small dataset as it is published, and a download of it into a folder of its own. Nothing waits: pauses are written
// down.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "datasets/download.h"
#include "tests/datasets/fixture.h"
#include "tests/datasets/loopback_server.h"

namespace memtrack::testing {

// A dataset's files as they lie at the source, and a description that knows their digests.
class Publication {
 public:
  // `files` are packed; `contents` are what is in them, by name, in the description's order. The rest of the
  // description is that of the dataset `name`.
  Publication(const char* name, std::vector<std::pair<std::string, Bytes>> files,
              const std::vector<std::pair<std::string, Bytes>>& contents);
  Publication(const Publication&) = delete;
  Publication& operator=(const Publication&) = delete;

  const DatasetDescription& description() const { return description_; }
  const std::vector<std::pair<std::string, Bytes>>& files() const { return files_; }
  const Bytes& file(std::string_view path) const;  // "/anywhere/t10k-labels-idx1-ubyte.gz"

 private:
  std::vector<std::pair<std::string, Bytes>> files_;
  std::vector<std::string> texts_;  // what the description's string_views look at
  std::vector<DatasetContent> contents_;
  DatasetDescription description_;
};

Publication published_mnist();  // write_mnist's files
Publication published_cifar();

struct Download {
  explicit Download(const Publication& published) : publication(published) {}

  void run(const std::vector<std::string>& mirrors);
  std::filesystem::path file(const std::string& name) const { return data / publication.description().name / name; }
  bool is_right() const;  // as `memtrack datasets verify` finds it

  const Publication& publication;
  TemporaryFolder folder;
  std::filesystem::path data = folder.path();
  HttpLimits limits;
  DownloadedBytes last;
  std::string finished, trouble;     // a line each
  std::vector<std::int64_t> pauses;  // in seconds
};

inline constexpr const char* kImages = "train-images-idx3-ubyte.gz";
inline constexpr const char* kImagesPart = "train-images-idx3-ubyte.gz.part";

// Answers with `first` to the first request for the training images, and as it should to all others.
LoopbackServer::Answer with_first_reply(const Publication& mnist, std::function<Reply(const Bytes&)> first);

// The first bytes that a server was asked for, request by request.
std::vector<std::optional<std::int64_t>> ranges_for(const LoopbackServer& server, std::string_view name);

std::string digest(const Bytes& bytes);
Bytes read_file(const std::filesystem::path& path);
Bytes first_bytes(const Bytes& bytes, std::size_t count);
Bytes flipped(Bytes bytes, std::size_t index);  // one bit of byte `index`

}  // namespace memtrack::testing
