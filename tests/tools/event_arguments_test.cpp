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
      {"phase=", "phase is empty, and would have to be a word such as train"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.argument);
    CHECK_THROWS_AS(events_of_arguments({c.argument}), UsageError);
    CHECK_THROWS_WITH(events_of_arguments({c.argument}), c.message);
  }
}
