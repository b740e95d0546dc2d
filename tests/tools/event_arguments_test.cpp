#include "tools/event_arguments.h"

#include <doctest/doctest.h>

#include <cmath>

#include "sweeps/event.h"
#include "tools/exit_codes.h"

using namespace memtrack;

TEST_CASE("an epoch takes all figures beside it") {
  const auto events = events_of_arguments({"train_loss=0.31", "epoch=1", "test_accuracy=0.91"});
  REQUIRE(events.size() == 1);
  const Event event = decode_event(events[0]);
  const auto& epoch = std::get<EpochEvent>(event.what);
  CHECK(epoch.epoch == 1);
  REQUIRE(epoch.values.size() == 2);
  CHECK(epoch.values[0].first == "train_loss");
  CHECK(epoch.values[1].second == 0.91);
}

TEST_CASE("figures without an epoch are metrics, and a phase is a phase") {
  const auto events = events_of_arguments({"phase=train", "tensor_bytes_peak=123", "loss=-inf"});
  REQUIRE(events.size() == 3);
  CHECK(std::get<PhaseEvent>(decode_event(events[0]).what).name == "train");
  CHECK(std::get<MetricEvent>(decode_event(events[1]).what).value == 123);
  CHECK(std::isinf(std::get<MetricEvent>(decode_event(events[2]).what).value));
}

TEST_CASE("a loss that diverged may be said") {
  const auto events = events_of_arguments({"epoch=2", "train_loss=nan"});
  CHECK(std::isnan(std::get<EpochEvent>(decode_event(events.at(0)).what).values.at(0).second));
}

TEST_CASE("arguments that say nothing are refused with what would be right") {
  const struct {
    const char* argument;
    const char* message;
  } cases[] = {
      {"epoch", "'epoch' is no name=value; an example: memtrack log epoch=1 train_loss=0.31"},
      {"=3", "'=3' is no name=value; an example: memtrack log epoch=1 train_loss=0.31"},
      {"epoch=one", "epoch is 'one', and would have to be a whole number such as 1"},
      {"epoch=1.5", "epoch is '1.5', and would have to be a whole number such as 1"},
      {"loss=low", "loss is 'low', and would have to be a number such as 0.31, nan or inf"},
      {"loss=", "loss is '', and would have to be a number such as 0.31, nan or inf"},
      {"loss=+-1", "loss is '+-1', and would have to be a number such as 0.31, nan or inf"},
      {"loss=0x1F", "loss is '0x1F', and would have to be a number such as 0.31, nan or inf"},
      {"loss=1,5", "loss is '1,5', and would have to be a number such as 0.31, nan or inf"},
      {"loss=1\n", "loss is '1\\n', and would have to be a number such as 0.31, nan or inf"},
      {"epoch=99999999999999999999", "epoch is '99999999999999999999', and would have to be a whole number such as 1"},
      {"phase=", "phase is empty, and would have to be a word such as train"},
      {"phase=\xff", "'\\xff' is no UTF-8, and could not be kept as it is"},
      {"\xff=1", "'\\xff' is no UTF-8, and could not be kept as it is"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.argument);
    CHECK_THROWS_AS(events_of_arguments({c.argument}), UsageError);
    CHECK_THROWS_WITH(events_of_arguments({c.argument}), c.message);
  }
}

TEST_CASE("names are kept as they are, whatever stands in them") {
  for (const std::string name : {"Verlust je Stück", "loss \"quoted\"", "a\nb", "{\"event\":1}", "seq"}) {
    CAPTURE(name);
    const auto events = events_of_arguments({name + "=1.5", "phase=" + name});
    REQUIRE(events.size() == 2);
    CHECK(std::get<PhaseEvent>(decode_event(events[0]).what).name == name);
    CHECK(std::get<MetricEvent>(decode_event(events[1]).what).name == name);
  }
}

TEST_CASE("what an event could not carry is refused, not lost") {
  CHECK_THROWS_WITH(events_of_arguments({"loss=1", "loss=2"}), "loss is given twice");
  CHECK_THROWS_WITH(events_of_arguments({"epoch=1", "epoch=2"}), "epoch is given twice");
  CHECK_THROWS_WITH(events_of_arguments({"epoch=1", "seq=2"}),
                    "seq is a word of the event itself; name the figure otherwise");
  const std::string long_name(kMaxEventNameBytes + 1, 'x');
  CHECK_THROWS_AS(events_of_arguments({long_name + "=1"}), UsageError);
  CHECK_THROWS_AS(events_of_arguments({"phase=" + long_name}), UsageError);
  std::vector<std::string> many = {"epoch=1"};
  for (int i = 0; i < 10000; ++i) {
    many.push_back("figure_" + std::to_string(i) + "=1");
  }
  CHECK_THROWS_AS(events_of_arguments(many), UsageError);
}
