// A datagram of a measured program.

#include "sweeps/event.h"
#include "tests/fuzz/fuzz.h"

using namespace memtrack;
using namespace memtrack::testing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const Event event = decode_event(as_text(data, size));
    require(!event.name().empty() && event.name().size() <= kMaxEventNameBytes, "an event's name is of a fit length");
    if (event.body.size() <= kMaxEventBytes) {
      const Event again = decode_event(event.body);
      require(again.name() == event.name() && again.seq == event.seq && again.sender == event.sender,
              "what is stored of an event says the same as the event");
      require(again.body == event.body, "what is stored of an event is stored the same again");
    }
  } catch (const EventError&) {
  }
  return 0;
}
