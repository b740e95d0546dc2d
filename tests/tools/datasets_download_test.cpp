#include "tools/datasets_download.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>

#include "tests/datasets/loopback_server.h"
#include "tests/end_to_end/session.h"

using namespace memtrack;
using namespace memtrack::testing;
namespace fs = std::filesystem;

namespace {

// Small files in the real formats, which are not the published ones.
LoopbackServer::Answer small_mnist() {
  return [](const Request& request) {
    const Bytes images = gzip(idx_images(20));
    return request.path.starts_with("/data/mnist/") ? with_range(request, images) : Reply{.status = 404};
  };
}

}  // namespace

TEST_CASE("the line of an arriving file shows share, speed and what is left") {
  CHECK(arriving_line({"train-images-idx3-ubyte.gz", 4'163'217, 9'912'422, 0, 2.6}) ==
        "train-images-idx3-ubyte.gz [########------------]  42%  1.53 MiB/s  ETA 3.59 s");
  // What lay there before says nothing of the speed.
  CHECK(arriving_line({"a.gz", 3 << 20, 4 << 20, 2 << 20, 1}) ==
        "a.gz [###############-----]  75%  1.00 MiB/s  ETA 1.00 s");
  CHECK(arriving_line({"a.gz", 3 << 20, std::nullopt, 0, 2}) == "a.gz 3.00 MiB  1.50 MiB/s");
  CHECK(arriving_line({"a.gz", 0, 100, 0, 0}) == "a.gz [--------------------]   0%");
}

TEST_CASE("download asks the mirror alone and takes nothing that is not published") {
  const LoopbackServer server(small_mnist());
  const Session session;
  for (const std::string& command :
       {fmt::format("memtrack datasets download mnist --mirror {}/data", server.url()),
        fmt::format("MEMTRACK_MIRROR={}/data/ memtrack datasets download mnist", server.url())}) {
    CAPTURE(command);
    const CommandResult result = session.run(command);
    CHECK(result.exit_code == 1);
    CHECK(result.output.empty());
    CHECK(result.errors.starts_with("memtrack: mnist: train-images-idx3-ubyte.gz could not be downloaded: http://127"));
    CHECK(result.errors.find("not the published file") != std::string::npos);
    CHECK(result.errors.find('\x1b') == std::string::npos);
    CHECK_FALSE(fs::exists(session.folder() / "data/mnist/train-images-idx3-ubyte.gz"));
  }
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[0].path == "/data/mnist/train-images-idx3-ubyte.gz");
  CHECK(session.run(fmt::format("memtrack datasets download cifar-10 --mirror {}/data", server.url())).errors ==
        fmt::format("memtrack: cifar-10: cifar-10-binary.tar.gz could not be downloaded: "
                    "{}/data/cifar-10/cifar-10-binary.tar.gz: the server says 404; try again later, or name a mirror "
                    "with --mirror URL\n",
                    server.url()));
}

TEST_CASE("a download that was killed is continued by the next one") {
  const LoopbackServer server([](const Request& request) {
    Reply reply = with_range(request, gzip(idx_images(20)));
    if (request.number == 1) {
      reply.stall_after = 100;
    }
    return reply;
  });
  const Session session;
  const std::string download = fmt::format("memtrack datasets download mnist --mirror {}", server.url());
  const fs::path part = session.folder() / "data/mnist/train-images-idx3-ubyte.gz.part";
  session.run(
      fmt::format("{} & until [ \"$(stat -c %s {} 2>&1)\" = 100 ] || ! kill -0 $!; do sleep 0.02; done\n"
                  "kill -9 $!; wait",
                  download, part.string()));
  CHECK(fs::file_size(part) == 100);
  session.run(download);
  REQUIRE(server.requests().size() >= 2);
  CHECK_FALSE(server.requests()[0].first_byte);
  CHECK(server.requests()[1].first_byte == 100);
}

TEST_CASE("on a terminal a bar is drawn and taken away, in 80 columns") {
  const LoopbackServer server(small_mnist());
  const Session session;
  const CommandResult result = session.run(
      fmt::format("TERM=xterm script -qec 'stty cols 80; memtrack datasets download mnist --mirror {}/data' /dev/null",
                  server.url()));
  CAPTURE(result.output);
  const std::size_t bar = result.output.find("\rtrain-images-idx3-ubyte.gz [");
  REQUIRE(bar != std::string::npos);
  const std::size_t end = result.output.find("\x1b[K", bar);
  REQUIRE(end != std::string::npos);
  CHECK(end - bar <= 80);
  CHECK(result.output.find("\r\x1b[K", end) != std::string::npos);
  CHECK(result.output.find("\x1b[3") == std::string::npos);  // no colour
}

TEST_CASE("what is generated needs no download") {
  const Session session;
  CHECK(session.output_of("memtrack datasets download generated-mnist") ==
        "generated-mnist: generated, nothing to download\n");
}
