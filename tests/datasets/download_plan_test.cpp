#include "datasets/download_plan.h"

#include <doctest/doctest.h>

#include "tests/datasets/fixture.h"
#include "tests/text.h"

using namespace memtrack;
using namespace memtrack::testing;
using std::chrono::seconds;

TEST_CASE("a mirror of the user's own is asked alone, in a folder for each dataset") {
  const DatasetDescription& mnist = describe_dataset("mnist");
  CHECK(mirrors_of(mnist, "http://host/data/") == std::vector<std::string>{"http://host/data/mnist"});
  const auto official = mirrors_of(mnist, "");
  REQUIRE(official.size() == 3);
  CHECK(official.front() == "https://ossci-datasets.s3.amazonaws.com/mnist");
  for (const char* wrong : {"ftp://host/data", "host/data", "file:///data", "http://", "https://"}) {
    CAPTURE(wrong);
    CHECK(contains(error_of([&] { mirrors_of(mnist, wrong); }), "would have to be like http://host/data"));
  }
}

TEST_CASE("every published dataset has mirrors and names its files, generated data neither") {
  for (const DatasetDescription& description : dataset_catalog()) {
    CAPTURE(std::string(description.name));
    const bool is_generated = description.format == DatasetFormat::generated;
    CHECK(description.mirrors.empty() == is_generated);
    CHECK(published_files(description).empty() == is_generated);
  }
  const auto cifar = published_files(describe_dataset("cifar-10"));
  REQUIRE(cifar.size() == 1);
  CHECK(cifar[0].name == "cifar-10-binary.tar.gz");
  CHECK(cifar[0].most_bytes > 6 * 30'730'000);
  CHECK(published_files(describe_dataset("mnist")).at(3).name == "t10k-labels-idx1-ubyte.gz");
}

TEST_CASE("a URL has one slash between folder and file") {
  CHECK(file_url("http://host/mnist", "a.gz") == "http://host/mnist/a.gz");
  CHECK(file_url("http://host/mnist//", "a.gz") == "http://host/mnist/a.gz");
}

TEST_CASE("patience ends after four breaks in a row and begins anew after a good piece") {
  Patience patience;
  std::vector<seconds> pauses;
  while (patience.allows_another(100)) pauses.push_back(patience.pause(seconds(0)));
  CHECK(pauses == std::vector<seconds>{seconds(1), seconds(2), seconds(4)});
  CHECK(patience.allows_another(5 << 20));
  CHECK(patience.pause(seconds(0)) == seconds(1));
}

TEST_CASE("a pause is as long as the server asks, a minute at most") {
  Patience patience;
  patience.allows_another(0);
  CHECK(patience.pause(seconds(7)) == seconds(7));
  CHECK(patience.pause(seconds(86400)) == seconds(60));
}

TEST_CASE("Content-Range tells where a part begins and how large the whole is") {
  CHECK(parse_content_range("bytes 100-199/200") == ContentRange{100, 200});
  CHECK(parse_content_range("bytes 0-0/*") == ContentRange{0, std::nullopt});
  for (const char* wrong : {"", "bytes", "bytes */200", "bytes 5-/200", "bytes -5-9/200", "bytes 5-9/20x", "bytes 5-9",
                            "lines 5-9/20", "bytes 99999999999999999999-9/20"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_content_range(wrong));
  }
}

TEST_CASE("only what a server blames on the moment is worth another try") {
  for (const long status : {408, 429, 500, 502, 503, 504}) CHECK(is_passing_status(status));
  for (const long status : {301, 400, 401, 403, 404, 410, 416, 501}) CHECK_FALSE(is_passing_status(status));
}
