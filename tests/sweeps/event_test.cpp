#include "sweeps/event.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using memtrack::decode_event;
using memtrack::encode_epoch;
using memtrack::encode_failure;
using memtrack::encode_metric;
using memtrack::encode_phase;
using memtrack::EpochEvent;
using memtrack::Event;
using memtrack::EventError;
using memtrack::MetricEvent;
using memtrack::OtherEvent;
using memtrack::PhaseEvent;

TEST_CASE("a phase, an epoch and a metric are read with number and sender") {
  const Event phase = decode_event(R"({"event":"phase","name":"train","seq":3,"sender":4711})");
  CHECK(std::get<PhaseEvent>(phase.what).name == "train");
  CHECK(phase.seq == 3);
  CHECK(phase.sender == 4711);
  CHECK(phase.name() == "phase");
  CHECK(phase.body == R"({"event":"phase","name":"train","seq":3,"sender":4711})");

  const Event epoch = decode_event(R"({"event":"epoch","epoch":1,"train_loss":0.31,"test_accuracy":1,"note":"x"})");
  const auto& values = std::get<EpochEvent>(epoch.what).values;
  CHECK(std::get<EpochEvent>(epoch.what).epoch == 1);
  REQUIRE(values.size() == 2);
  CHECK(values[0] == std::pair<std::string, double>("train_loss", 0.31));
  CHECK(values[1] == std::pair<std::string, double>("test_accuracy", 1.0));
  CHECK_FALSE(epoch.seq.has_value());

  const Event metric = decode_event(R"({"event":"metric","name":"tensor_bytes_peak","value":123,"epoch":2.0})");
  CHECK(std::get<MetricEvent>(metric.what).name == "tensor_bytes_peak");
  CHECK(std::get<MetricEvent>(metric.what).value == 123);
  CHECK(std::get<MetricEvent>(metric.what).epoch == 2);
}

TEST_CASE("an event of an unknown name is kept as it came") {
  const Event event = decode_event(R"( {"event":"checkpoint", "path":"/tmp/x", "deep":{"a":[1,2]}} )");
  CHECK(std::get<OtherEvent>(event.what).name == "checkpoint");
  CHECK(event.name() == "checkpoint");
  CHECK(event.body == R"({"event":"checkpoint","path":"/tmp/x","deep":{"a":[1,2]}})");
}

TEST_CASE("a number that is none is read in every spelling in use") {
  struct Case {
    const char* text;
    double value;
  };
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Case> cases = {{"NaN", nan},          {"null", nan},          {"\"nan\"", nan}, {"\"NaN\"", nan},
                                   {"Infinity", inf},     {"-Infinity", -inf},    {"\"inf\"", inf}, {"\"-inf\"", -inf},
                                   {"\"Infinity\"", inf}, {"\"-Infinity\"", -inf}};
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Event event = decode_event(std::string(R"({"event":"epoch","epoch":1,"train_loss":)") + c.text + "}");
    const auto& values = std::get<EpochEvent>(event.what).values;
    REQUIRE(values.size() == 1);
    CHECK((std::isnan(c.value) ? std::isnan(values[0].second) : values[0].second == c.value));
  }
  CHECK(decode_event(R"({"event":"metric","name":"x","value":NaN})").body ==
        R"({"event":"metric","name":"x","value":"nan"})");
}

TEST_CASE("words inside of strings are left as they are") {
  const Event event = decode_event(R"({"event":"note","text":"NaN and \"Infinity\" \\","NaN":1})");
  CHECK(event.body == R"({"event":"note","text":"NaN and \"Infinity\" \\","NaN":1})");
}

TEST_CASE("what is no event is refused") {
  std::string deep = R"({"event":"x","a":)";
  deep += std::string(5000, '[') + std::string(5000, ']') + "}";
  const std::vector<std::string> cases = {
      "",
      "hello",
      "[]",
      "1",
      "null",
      "{}",
      R"({"event":1})",
      R"({"event":""})",
      R"({"event":"phase"})",
      R"({"event":"phase","name":""})",
      R"({"event":"phase","name":1})",
      R"({"event":"epoch"})",
      R"({"event":"epoch","epoch":"1"})",
      R"({"event":"epoch","epoch":1.5})",
      R"({"event":"epoch","epoch":1e300})",
      R"({"event":"epoch","epoch":18446744073709551615})",
      R"({"event":"metric","name":"x"})",
      R"({"event":"metric","name":"x","value":"many"})",
      R"({"event":"metric","name":"x","value":true})",
      R"({"event":"metric","value":1})",
      R"({"event":"metric","name":"x","value":1e999})",
      R"({"event":"failure"})",
      R"({"event":"failure","reason":""})",
      R"({"event":"failure","reason":7})",
      R"({"event":"failure","reason":")" + std::string(1001, 'x') + "\"}",
      R"({"event":"x"} trailing)",
      R"({"event":"x"}{"event":"y"})",
      R"({"event":"x")",
      "{\"event\":\"\xff\xfe\"}",
      std::string("\0{}", 3),
      R"({"event":")" + std::string(257, 'x') + "\"}",
      deep,
      R"({"event":"x","a":")" + std::string(memtrack::kMaxEventBytes, 'x') + "\"}",
  };
  for (const std::string& text : cases) {
    CAPTURE(text.substr(0, 80));
    CHECK_THROWS_AS(decode_event(text), EventError);
  }
}

TEST_CASE("no datagram, however cut or changed, does more than be refused") {
  const std::string good = R"({"event":"epoch","epoch":1,"train_loss":-Infinity,"a":[{"b":"\u00e9\\"}],"seq":2})";
  for (std::size_t length = 0; length < good.size(); ++length) {
    CHECK_THROWS_AS(decode_event(good.substr(0, length)), EventError);
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = good;
      changed[at] = static_cast<char>(byte);
      try {
        const Event event = decode_event(changed);
        CHECK_FALSE(event.body.empty());
      } catch (const EventError&) {
      }
    }
  }
}

TEST_CASE("what is encoded is decoded to the same") {
  const Event phase = decode_event(encode_phase("lo\"ad\n"));
  CHECK(std::get<PhaseEvent>(phase.what).name == "lo\"ad\n");

  EpochEvent sent{.epoch = 3,
                  .values = {{"train_loss", std::numeric_limits<double>::quiet_NaN()},
                             {"test_accuracy", 0.1 + 0.2},
                             {"bytes", 8e9},
                             {"worst", -std::numeric_limits<double>::infinity()}}};
  const std::string text = encode_epoch(sent);
  CHECK(text == R"({"event":"epoch","epoch":3,"train_loss":"nan","test_accuracy":0.30000000000000004,)"
                R"("bytes":8000000000,"worst":"-inf"})");
  const auto got = std::get<EpochEvent>(decode_event(text).what);
  CHECK(got.epoch == 3);
  REQUIRE(got.values.size() == 4);
  CHECK(std::isnan(got.values[0].second));
  CHECK(got.values[1].second == 0.1 + 0.2);
  CHECK(got.values[3].second == -std::numeric_limits<double>::infinity());

  const auto metric = std::get<MetricEvent>(decode_event(encode_metric({.name = "x", .value = 0.5, .epoch = 7})).what);
  CHECK(metric.value == 0.5);
  CHECK(metric.epoch == 7);
  CHECK_FALSE(std::get<MetricEvent>(decode_event(encode_metric({.name = "x", .value = 1, .epoch = {}})).what).epoch);

  const Event failure = decode_event(encode_failure("out of \"luck\""));
  CHECK(failure.name() == "failure");
  CHECK(std::get<memtrack::FailureEvent>(failure.what).reason == "out of \"luck\"");
}

TEST_CASE("tensor memory is told in as many datagrams as it takes, each tensor once") {
  using memtrack::encode_tensor_memory;
  using memtrack::TensorMemory;
  CHECK(encode_tensor_memory("train", std::vector<TensorMemory>{{"parameters", "hidden1", 8, 8}, {"data", "", 1, 2}}) ==
        std::vector<std::string>{
            R"({"event":"tensor_memory","phase":"train","tensors":[{"kind":"parameters","layer":"hidden1","bytes":8},)"
            R"({"kind":"data","bytes":1,"peak_bytes":2}]})"});
  CHECK(encode_tensor_memory("load", {}).size() == 1);

  std::vector<TensorMemory> many;
  for (int i = 0; i < 1000; ++i) {
    many.push_back({"parameters", "hidden" + std::to_string(i), 4'000'000'000'000 + i, 4'000'000'000'000 + i});
    many.push_back({"gradients", "hidden" + std::to_string(i), 0, 4'000'000'000'000 + i});
  }
  std::string all;
  for (const std::string& datagram : encode_tensor_memory("train", many)) {
    CHECK(datagram.size() < 32000);
    CHECK(std::get<memtrack::OtherEvent>(decode_event(datagram).what).name == "tensor_memory");
    all += datagram;
  }
  for (const TensorMemory& each : many) {
    const std::string member = "{\"kind\":\"" + each.kind + "\",\"layer\":\"" + each.layer + "\",";
    const std::size_t at = all.find(member);
    REQUIRE(at != std::string::npos);
    REQUIRE(all.find(member, at + 1) == std::string::npos);
  }
}

TEST_CASE("a name that is not UTF-8 loses its odd bytes, not the event") {
  CHECK_NOTHROW(decode_event(encode_phase("a\xff")));
}
