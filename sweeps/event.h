#pragma once

// What a measured program may tell the collector: one JSON object a datagram, sent to the unix socket that
// MEMTRACK_EVENTS names.
//   {"event":"phase","name":"train","seq":3}
//   {"event":"epoch","epoch":1,"train_loss":0.31,"test_accuracy":0.91,"seconds":4.2,"seq":4}
//   {"event":"metric","name":"tensor_bytes_peak","value":123,"seq":5}
//   {"event":"failure","reason":"memory ran out in layer hidden1","seq":6}
//   {"event":"tensor_memory","phase":"train","tensors":[{"kind":"parameters","layer":"hidden1","bytes":1}],"seq":6}
//   {"event":"settings","threads":1,"seq":1}   what was in force: added to the settings of the trial
// Numbers that JSON has no word for are taken as null (not a number), as the strings "nan", "inf", "-inf", or bare as
// Python's json module prints them (NaN, Infinity, -Infinity).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace memtrack {

inline constexpr std::size_t kMaxEventBytes = 65536;
inline constexpr std::size_t kMaxEventNameBytes = 256;  // of a phase, a metric, a value
inline constexpr std::size_t kMaxFailureBytes = 1000;   // of a reason

// Members of an event that have a meaning of their own, so that no value of an epoch has such a name.
bool is_reserved_member(std::string_view name);

struct PhaseEvent {
  std::string name;
};
// values may be NaN or infinite: a loss that diverged is a fact to store.
struct EpochEvent {
  std::int64_t epoch = 0;
  std::vector<std::pair<std::string, double>> values;
};
struct MetricEvent {
  std::string name;
  double value = 0;
  std::optional<std::int64_t> epoch;
};
// Why the program is about to fail, in a sentence of its own: part of the trial's reason where it does.
struct FailureEvent {
  std::string reason;
};
// What the tensors of one kind, and of one layer where it is known, hold at the end of a phase and held at most in it.
struct TensorMemory {
  std::string kind;   // data, parameters, gradients, optimizer_state, activations: docs/tensors.md
  std::string layer;  // "hidden1"; empty: of no single one
  std::int64_t bytes = 0;
  std::int64_t peak_bytes = 0;
  bool operator==(const TensorMemory&) const = default;
};
// An event of a name that we do not know: stored as it came.
struct OtherEvent {
  std::string name;
};

struct Event {
  std::variant<PhaseEvent, EpochEvent, MetricEvent, FailureEvent, OtherEvent> what;
  std::optional<std::int64_t> seq;     // the sender's own count, 1 for its first
  std::optional<std::int64_t> sender;  // the sender's pid as it says
  std::string body;                    // the object as valid JSON, NaN and infinities as strings
  std::string_view name() const;       // "phase", "epoch", "metric", "failure", or the program's own word
};

class EventError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws EventError on anything but one JSON object with a string "event" and the members that event must have.
Event decode_event(std::string_view datagram);

// A datagram without seq, ready for EventSender; NaN and infinities become "nan", "inf", "-inf".
std::string encode_phase(std::string_view name);
std::string encode_epoch(const EpochEvent& event);
std::string encode_metric(const MetricEvent& event);
std::string encode_failure(std::string_view reason);

// As many datagrams as it takes: each of at most some 30,000 bytes, so that a network of 1000 layers fits into a socket
// that nobody reads. "peak_bytes" is left out where it equals "bytes".
std::vector<std::string> encode_tensor_memory(std::string_view phase, std::span<const TensorMemory> tensors);

}  // namespace memtrack
