// Downloads that come to their end: whole, resumed, cut, already there.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "tests/datasets/download_fixture.h"
#include "tests/text.h"

using namespace memtrack;
using namespace memtrack::testing;
namespace fs = std::filesystem;

TEST_CASE("a download brings all files as they are published, and nothing else") {
  const Publication mnist = published_mnist();
  const Publication cifar = published_cifar();
  for (const Publication* publication : {&mnist, &cifar}) {
    const Publication& published = *publication;
    const LoopbackServer server([&](const Request& request) { return whole(published.file(request.path)); });
    Download download(published);
    download.run({server.url()});
    CHECK(download.is_right());
    CHECK(download.trouble.empty());
    CHECK(contains(download.finished, "downloaded"));
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(download.file(""))) names.push_back(entry.path().filename());
    CHECK(names.size() == published.files().size() + 1);
    CHECK(std::ranges::count(names, ".download.lock") == 1);
    for (const auto& [name, bytes] : published.files()) CHECK(read_file(download.file(name)) == bytes);
    CHECK(download.last.bytes == download.last.total_bytes);
  }
}

TEST_CASE("what is there and right is not downloaded again, however it is packed") {
  const Publication mnist = published_mnist();
  const Publication cifar = published_cifar();
  const LoopbackServer server([](const Request&) { return Reply{.status = 500}; });
  Download packed(mnist), plain(mnist), batches(cifar);
  write_mnist(packed.data, true);
  write_mnist(plain.data, false);
  write_cifar_folder(batches.data);
  for (Download* download : {&packed, &plain, &batches}) {
    download->run({server.url()});
    CHECK(contains(download->finished, "there already"));
  }
  CHECK(server.requests().empty());
}

TEST_CASE("a file that is there and wrong is downloaded anew") {
  const Publication mnist = published_mnist();
  const LoopbackServer server([&](const Request& request) { return whole(mnist.file(request.path)); });
  Download download(mnist);
  write_mnist(download.data, true);
  write_file(download.file(kImages), gzip(idx_images(19)));
  download.run({server.url()});
  CHECK(download.is_right());
  CHECK(contains(download.trouble, "not the published file"));
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a transfer that is cut midway goes on where it broke off") {
  const Publication mnist = published_mnist();
  const LoopbackServer server(
      with_first_reply(mnist, [](const Bytes& file) { return Reply{.contents = file, .cut_after = 100}; }));
  Download download(mnist);
  download.run({server.url()});
  CHECK(download.is_right());
  CHECK(ranges_for(server, kImages) == std::vector<std::optional<std::int64_t>>{std::nullopt, 100});
  CHECK(download.pauses == std::vector<std::int64_t>{1});
  CHECK(contains(download.trouble, "again in 1 s, from byte 100"));
}

TEST_CASE("what an earlier download left is continued") {
  const Publication mnist = published_mnist();
  const LoopbackServer server([&](const Request& request) { return with_range(request, mnist.file(request.path)); });
  Download download(mnist);
  write_file(download.file(kImagesPart), first_bytes(mnist.file(kImages), 77));
  download.run({server.url()});
  CHECK(download.is_right());
  CHECK(ranges_for(server, kImages) == std::vector<std::optional<std::int64_t>>{77});
  CHECK(download.trouble.empty());
}

TEST_CASE("what an earlier download left whole needs no server") {
  const Publication cifar = published_cifar();
  Download download(cifar);
  write_file(download.file("cifar-10-binary.tar.gz.part"), cifar.files().front().second);
  download.run({"http://127.0.0.1:1"});
  CHECK(download.is_right());
}

TEST_CASE("a server that ignores ranges sends all of it, and nothing is doubled") {
  const Publication mnist = published_mnist();
  const LoopbackServer server([&](const Request& request) { return whole(mnist.file(request.path)); });
  Download download(mnist);
  write_file(download.file(kImagesPart), first_bytes(mnist.file(kImages), 77));
  download.run({server.url()});
  CHECK(download.is_right());
  CHECK(ranges_for(server, kImages) == std::vector<std::optional<std::int64_t>>{77});
}

TEST_CASE("what an earlier download left of another file is dropped") {
  const Publication mnist = published_mnist();
  const LoopbackServer server([&](const Request& request) { return with_range(request, mnist.file(request.path)); });
  for (const Bytes& left : {Bytes(77, 5), Bytes(100'000, 5)}) {  // shorter and longer than the file
    Download download(mnist);
    write_file(download.file(kImagesPart), left);
    download.run({server.url()});
    CHECK(download.is_right());
    CHECK_FALSE(download.trouble.empty());
    CHECK_FALSE(fs::exists(download.file(kImagesPart)));
  }
}

TEST_CASE("a server that sends another range than asked for is asked from the beginning") {
  const Publication mnist = published_mnist();
  const LoopbackServer server(with_first_reply(mnist, [](const Bytes& file) {
    return Reply{.status = 206, .contents = file, .headers = {"Content-Range: bytes 5-99/100"}};
  }));
  Download download(mnist);
  write_file(download.file(kImagesPart), first_bytes(mnist.file(kImages), 77));
  download.run({server.url()});
  CHECK(download.is_right());
  CHECK(ranges_for(server, kImages) == std::vector<std::optional<std::int64_t>>{77, std::nullopt});
}
