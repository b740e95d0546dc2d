// Faults of servers and lines: what is tried again, what is left for the next mirror, what is said.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "tests/datasets/download_fixture.h"
#include "tests/text.h"

using namespace memtrack;
using namespace memtrack::testing;
namespace fs = std::filesystem;

TEST_CASE("a damaged file never gets its name, and the next mirror is asked") {
  const Publication mnist = published_mnist();
  const LoopbackServer damaged([&](const Request& request) {
    CHECK_FALSE(request.first_byte);
    return whole(flipped(mnist.file(request.path), 30));
  });
  const LoopbackServer right([&](const Request& request) { return whole(mnist.file(request.path)); });
  Download alone(mnist), together(mnist);
  const std::string error = error_of([&] { alone.run({damaged.url()}); });
  CHECK(contains(error, fmt::format("{}/{}: not the published file", damaged.url(), kImages)));
  CHECK(contains(error, "--mirror URL"));
  CHECK_FALSE(fs::exists(alone.file(kImages)));
  together.run({damaged.url(), right.url()});
  CHECK(together.is_right());
}

TEST_CASE("another file of the same format is not taken for the published one") {
  const Publication cifar = published_cifar();
  auto members = cifar_members();
  members[3].second[5000] ^= 1;
  const LoopbackServer server([&](const Request&) { return whole(gzip(tar(members))); });
  Download download(cifar);
  const std::string error = error_of([&] { download.run({server.url()}); });
  CHECK(contains(error, "data_batch_4.bin: sha256 of its contents is"));
  CHECK_FALSE(fs::exists(download.file("cifar-10-binary.tar.gz")));
}

TEST_CASE("a file that ends too early without the server's noticing is not taken") {
  const Publication mnist = published_mnist();
  const LoopbackServer server([&](const Request& request) {
    return Reply{.contents = mnist.file(request.path), .cut_after = 60, .tells_length = false};
  });
  Download download(mnist);
  CHECK(contains(error_of([&] { download.run({server.url()}); }), "truncated"));
  CHECK_FALSE(fs::exists(download.file(kImages)));
}

TEST_CASE("a mirror without the file is asked once, the next one gives it") {
  const Publication mnist = published_mnist();
  const LoopbackServer without([](const Request&) { return Reply{.status = 404, .contents = Bytes(500, 'x')}; });
  const LoopbackServer right([&](const Request& request) { return whole(mnist.file(request.path)); });
  Download alone(mnist), together(mnist);
  CHECK(contains(error_of([&] { alone.run({without.url()}); }), "the server says 404"));
  CHECK(without.requests().size() == 1);
  CHECK(alone.pauses.empty());
  together.run({without.url() + "/", right.url()});
  CHECK(together.is_right());
  CHECK(contains(together.trouble, "the server says 404; the next mirror is asked"));
}

TEST_CASE("a server that fails for the moment is asked again, as late as it asks for") {
  const Publication mnist = published_mnist();
  const LoopbackServer server(
      with_first_reply(mnist, [](const Bytes&) { return Reply{.status = 503, .headers = {"Retry-After: 9"}}; }));
  Download download(mnist);
  download.run({server.url()});
  CHECK(download.is_right());
  CHECK(download.pauses == std::vector<std::int64_t>{9});
}

TEST_CASE("nobody who listens is asked four times, with longer and longer pauses, and then the next mirror") {
  const Publication mnist = published_mnist();
  const LoopbackServer right([&](const Request& request) { return whole(mnist.file(request.path)); });
  Download download(mnist);
  download.run({"http://127.0.0.1:1", right.url()});
  CHECK(download.is_right());
  CHECK(std::vector(download.pauses.begin(), download.pauses.begin() + 3) == std::vector<std::int64_t>{1, 2, 4});
}

TEST_CASE("a server that stalls is left and asked again for the rest") {
  const Publication mnist = published_mnist();
  const LoopbackServer server(
      with_first_reply(mnist, [](const Bytes& file) { return Reply{.contents = file, .stall_after = 100}; }));
  Download download(mnist);
  download.limits.slow_for = std::chrono::seconds(1);
  download.run({server.url()});
  CHECK(download.is_right());
  CHECK(ranges_for(server, kImages).at(1) == 100);
  CHECK(contains(download.trouble, "too slow"));
}

TEST_CASE("a redirect is followed, a circle of them and one to another protocol are not") {
  const Publication mnist = published_mnist();
  const LoopbackServer server([&](const Request& request) {
    if (request.path.starts_with("/there/")) return whole(mnist.file(request.path));
    const auto name = request.path.substr(request.path.rfind('/'));
    const std::string target = request.path.starts_with("/circle/") ? "/circle" + name
                               : request.path.starts_with("/file/") ? "file:///etc/passwd"
                                                                    : "/there" + name;
    return Reply{.status = 302, .headers = {"Location: " + target}};
  });
  Download followed(mnist), circle(mnist), file(mnist);
  followed.run({server.url() + "/here"});
  CHECK(followed.is_right());
  CHECK(contains(error_of([&] { circle.run({server.url() + "/circle"}); }), "redirects"));
  CHECK(contains(error_of([&] { file.run({server.url() + "/file"}); }), "rotocol"));
  CHECK(circle.pauses.empty());
  CHECK(file.pauses.empty());
}

TEST_CASE("a reply that is larger than the file can be is broken off") {
  const Publication mnist = published_mnist();
  for (const bool tells_length : {true, false}) {
    const LoopbackServer server(
        [&](const Request&) { return Reply{.contents = Bytes(3 << 20, 7), .tells_length = tells_length}; });
    Download download(mnist);
    CHECK(contains(error_of([&] { download.run({server.url()}); }), "larger than the 1064272 bytes"));
    CHECK(fs::file_size(download.file(kImagesPart)) == 0);
  }
}
