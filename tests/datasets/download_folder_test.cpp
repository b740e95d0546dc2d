// Faults at the place where a download is kept: a full disk, another download, files in the way.

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <thread>

#include "tests/datasets/download_fixture.h"
#include "tests/text.h"

using namespace memtrack;
using namespace memtrack::testing;
namespace fs = std::filesystem;

TEST_CASE("a second download in the same folder is refused and names the first") {
  const Publication mnist = published_mnist();
  Download second(mnist);
  std::string error;
  const LoopbackServer server([&](const Request& request) {
    if (error.empty()) error = error_of([&] { second.run({"http://127.0.0.1:1"}); });
    return whole(mnist.file(request.path));
  });
  Download first(mnist);
  second.data = first.data;
  first.run({server.url()});
  CHECK(first.is_right());
  CHECK(contains(error, fmt::format("another download (process {}) is at work in this folder", getpid())));
}

TEST_CASE("wrong batches in a folder are named, since no archive would be read beside them") {
  const Publication cifar = published_cifar();
  Download download(cifar);
  write_cifar_folder(download.data);
  const fs::path batch = download.file("cifar-10-batches-bin/data_batch_2.bin");
  write_file(batch, flipped(read_file(batch), 9));
  const std::string error = error_of([&] { download.run({"http://127.0.0.1:1"}); });
  CHECK(contains(error, batch.string() + ": is not the published file"));
  CHECK(contains(error, fmt::format("remove {} and", batch.parent_path().string())));
}

TEST_CASE("a folder that cannot be made or written is named") {
  const Publication mnist = published_mnist();
  Download download(mnist);
  download.data = "/proc/nowhere";
  CHECK(contains(error_of([&] { download.run({"http://127.0.0.1:1"}); }), "/proc/nowhere/mnist: the folder cannot"));
}

namespace {

// Runs `function` where `folder` is a disk of `bytes` that nobody else sees. False: the kernel does not allow it.
template <typename Function>
bool with_small_disk(const fs::path& folder, int bytes, Function&& function) {
  bool is_allowed = false;
  std::thread([&] {
    is_allowed = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                 mount("none", folder.c_str(), "tmpfs", 0, fmt::format("size={}", bytes).c_str()) == 0;
    if (is_allowed) function();
  }).join();
  return is_allowed;
}

}  // namespace

TEST_CASE("a full disk is one error with the folder and the bytes needed, and there is room again later") {
  // Random, so that packing does not make it small.
  Bytes images(1'000'000);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : images) byte = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  const Publication mnist("mnist", {{kImages, gzip(images)}}, {{kImages, images}});
  const std::size_t size = mnist.files().front().second.size();
  for (const bool tells_length : {true, false}) {
    const LoopbackServer server([&](const Request& request) {
      Reply reply = with_range(request, mnist.file(request.path));
      reply.tells_length = tells_length;
      return reply;
    });
    Download download(mnist);
    std::string error;
    std::uintmax_t left = 0;
    bool is_right_later = false;
    const bool is_allowed = with_small_disk(download.data, 400'000, [&] {
      error = error_of([&] { download.run({server.url()}); });
      left = fs::file_size(download.file(kImagesPart));
      if (mount("none", download.data.c_str(), "tmpfs", MS_REMOUNT, "size=4000000") != 0) return;
      download.run({server.url()});
      is_right_later = download.is_right();
    });
    if (!is_allowed) {
      MESSAGE("skipped: a mount namespace of the test's own is not allowed here");
      return;
    }
    CAPTURE(error);
    CHECK(contains(
        error, download.file("").string().substr(0, download.file("").string().size() - 1) + ": no room on the disk"));
    CHECK(contains(error, tells_length ? fmt::format("needs {} bytes more", size) : "needs more than"));
    CHECK((left > 0) == !tells_length);
    CHECK(is_right_later);
    CHECK(ranges_for(server, kImages).size() == 2);
  }
}
