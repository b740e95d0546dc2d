#include "trainer/tensor_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace memtrack {
namespace {

using Json = nlohmann::ordered_json;

// Layers added up, in the order in which the kinds come.
std::vector<TensorMemory> by_kind(const std::vector<TensorMemory>& tensors) {
  std::vector<TensorMemory> kinds;
  for (const TensorMemory& each : tensors) {
    const auto known = std::ranges::find(kinds, each.kind, &TensorMemory::kind);
    TensorMemory& kind = known != kinds.end() ? *known : kinds.emplace_back(TensorMemory{each.kind, "", 0, 0});
    kind.bytes += each.bytes;
    kind.peak_bytes += each.peak_bytes;
  }
  return kinds;
}

double mib(std::int64_t bytes) {
  return static_cast<double>(bytes) / (1024.0 * 1024.0);
}

std::string words(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

// The newer bytes, and the higher of both peaks.
std::vector<TensorMemory> with_peaks_of(std::vector<TensorMemory> newer, const std::vector<TensorMemory>& older) {
  for (const TensorMemory& before : older) {
    const auto same = std::ranges::find_if(
        newer, [&](const TensorMemory& each) { return each.kind == before.kind && each.layer == before.layer; });
    if (same != newer.end()) {
      same->peak_bytes = std::max(same->peak_bytes, before.peak_bytes);
    } else {
      newer.push_back({before.kind, before.layer, 0, before.peak_bytes});
    }
  }
  return newer;
}

}  // namespace

TensorSummary::Phase& TensorSummary::phase(std::string_view name) {
  const auto known = std::ranges::find(phases_, name, &Phase::name);
  return known != phases_.end() ? *known : phases_.emplace_back(Phase{std::string(name), {}});
}

bool TensorSummary::take(const PhaseTensors& ended) {
  Phase& known = phase(ended.phase);
  TensorFigures merged = ended.figures;
  merged.peak_bytes = std::max(merged.peak_bytes, known.figures.peak_bytes);
  merged.tensors = with_peaks_of(std::move(merged.tensors), known.figures.tensors);
  return std::exchange(known.figures, merged) != merged;
}

const TensorSummary::Phase* TensorSummary::largest() const {
  const auto found = std::ranges::max_element(phases_, {}, [](const Phase& each) { return each.figures.peak_bytes; });
  return found != phases_.end() ? &*found : nullptr;
}

std::optional<std::int64_t> TensorSummary::peak_bytes() const {
  const Phase* phase = largest();
  return phase != nullptr ? std::optional(phase->figures.peak_bytes) : std::nullopt;
}

std::string TensorSummary::line() const {
  const Phase* phase = largest();
  if (phase == nullptr) return "";
  std::string text = fmt::format("tensors held {:.1f} MiB at most ({}):", mib(phase->figures.peak_bytes), phase->name);
  std::string_view separator = " ";
  for (const TensorMemory& kind : by_kind(phase->figures.tensors)) {
    text += fmt::format("{}{} {:.1f}", std::exchange(separator, ", "), words(kind.kind), mib(kind.peak_bytes));
  }
  return text;
}

Json TensorSummary::json() const {
  Json phases = Json::object();
  for (const Phase& phase : phases_) {
    Json kinds = Json::object();
    for (const TensorMemory& kind : by_kind(phase.figures.tensors)) {
      kinds[kind.kind] = {{"bytes", kind.bytes}, {"peak_bytes", kind.peak_bytes}};
    }
    phases[phase.name] = {
        {"bytes", phase.figures.bytes}, {"peak_bytes", phase.figures.peak_bytes}, {"kinds", std::move(kinds)}};
  }
  return phases;
}

}  // namespace memtrack
