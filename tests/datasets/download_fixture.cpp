#include "tests/datasets/download_fixture.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "datasets/sha256.h"

namespace memtrack::testing {

namespace fs = std::filesystem;

Publication::Publication(const char* name, std::vector<std::pair<std::string, Bytes>> files,
                         const std::vector<std::pair<std::string, Bytes>>& contents)
    : files_(std::move(files)), description_(describe_dataset(name)) {
  texts_.reserve(2 * contents.size());
  for (const auto& [path, bytes] : contents) {
    const std::string& content = texts_.emplace_back(fs::path(path).filename());
    contents_.push_back({content, static_cast<std::int64_t>(bytes.size()), texts_.emplace_back(digest(bytes))});
  }
  description_.contents = contents_;
}

const Bytes& Publication::file(std::string_view path) const {
  const std::string name = fs::path(path).filename();
  return std::ranges::find(files_, name, &std::pair<std::string, Bytes>::first)->second;
}

Publication published_mnist() {
  const std::vector<std::pair<std::string, Bytes>> contents = {{"train-images-idx3-ubyte.gz", idx_images(20)},
                                                               {"train-labels-idx1-ubyte.gz", idx_labels(20)},
                                                               {"t10k-images-idx3-ubyte.gz", idx_images(10)},
                                                               {"t10k-labels-idx1-ubyte.gz", idx_labels(10)}};
  std::vector<std::pair<std::string, Bytes>> files;
  files.reserve(contents.size());
  for (const auto& [name, bytes] : contents) files.emplace_back(name, gzip(bytes));
  return Publication("mnist", std::move(files), contents);
}

Publication published_cifar() {
  return Publication("cifar-10", {{"cifar-10-binary.tar.gz", gzip(tar(cifar_members()))}}, cifar_members());
}

void Download::run(const std::vector<std::string>& mirrors) {
  download_dataset(publication.description(),
                   {.data_directory = data,
                    .mirrors = mirrors,
                    .limits = limits,
                    .pause = [this](std::chrono::seconds pause) { pauses.push_back(pause.count()); }},
                   {.on_bytes = [this](const DownloadedBytes& bytes) { last = bytes; },
                    .on_finished = [this](const std::string& line) { finished += line + "\n"; },
                    .on_trouble = [this](const std::string& line) { trouble += line + "\n"; }});
}

bool Download::is_right() const {
  return std::ranges::all_of(verify_dataset(publication.description(), data), &VerifiedContent::is_right);
}

LoopbackServer::Answer with_first_reply(const Publication& mnist, std::function<Reply(const Bytes&)> first) {
  return [&mnist, first = std::move(first)](const Request& request) {
    const Bytes& file = mnist.file(request.path);
    return request.number == 1 && request.path.ends_with(kImages) ? first(file) : with_range(request, file);
  };
}

std::vector<std::optional<std::int64_t>> ranges_for(const LoopbackServer& server, std::string_view name) {
  std::vector<std::optional<std::int64_t>> ranges;
  for (const Request& request : server.requests()) {
    if (request.path.ends_with(name)) ranges.push_back(request.first_byte);
  }
  return ranges;
}

std::string digest(const Bytes& bytes) {
  Sha256 sha;
  sha.add(bytes);
  return sha.finish();
}

Bytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

Bytes first_bytes(const Bytes& bytes, std::size_t count) {
  return Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
}

Bytes flipped(Bytes bytes, std::size_t index) {
  bytes.at(index) ^= 1;
  return bytes;
}

}  // namespace memtrack::testing
