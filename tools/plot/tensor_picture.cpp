#include "tools/plot/tensor_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "storage/query.h"
#include "sweeps/nearest_name.h"
#include "tools/exit_codes.h"
#include "tools/plot/thinning.h"
#include "tools/plot/trial_curve.h"
#include "tools/report/selection.h"
#include "tools/statistics.h"
#include "tools/text.h"
#include "tools/values.h"

namespace memtrack {
namespace {

constexpr std::size_t kColumns = 600, kMostTrials = 60;

// From the foot up: what is there first, lowest.
constexpr std::array<std::string_view, 5> kKinds = {"data", "parameters", "gradients", "optimizer_state",
                                                    "activations"};

using Kinds = std::vector<std::string>;
using Held = std::map<std::string, double>;        // MiB a kind
using HeldInPhases = std::map<std::string, Held>;  // of one trial

constexpr const char* kNote =
    "Each kind's own peak during the phase; kinds may peak at different moments. What they are: docs/tensors.md.";

HeldInPhases read_held(Database& database, std::int64_t trial_id) {
  HeldInPhases held;
  const ResultTable found =
      query(database, "SELECT phase, kind, sum(peak_bytes) FROM tensor_memory WHERE trial_id = ?1 GROUP BY phase, kind",
            {trial_id});
  for (const auto& row : found.rows) {
    if (const auto bytes = real_of(row[2])) {
      held[text_of(row[0]).value_or("")][text_of(row[1]).value_or("other")] = *bytes / kMib;
    }
  }
  return held;
}

void add_kinds(const HeldInPhases& held, Kinds& kinds) {
  for (const auto& [phase, of_phase] : held) {
    for (const auto& [kind, mib] : of_phase) {
      if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
    }
  }
}

// Those that are there, in our order, then those of other programs.
Kinds in_order(const Kinds& kinds) {
  Kinds ordered;
  for (const std::string_view kind : kKinds) {
    if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) ordered.emplace_back(kind);
  }
  for (const std::string& kind : kinds) {
    if (std::find(ordered.begin(), ordered.end(), kind) == ordered.end()) ordered.push_back(kind);
  }
  return ordered;
}

double held_of(const Held& held, const std::string& kind) {
  const auto found = held.find(kind);
  return found == held.end() ? 0 : found->second;
}

// Adds a place to each kind's area: on top of the kinds before it.
void stack(std::vector<Series>& areas, const Kinds& kinds, const Held& held, double x) {
  double foot = 0;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const double top = foot + held_of(held, kinds[i]);
    areas[i].points.push_back({.x = x, .y = top, .interval = Interval{foot, top}});
    foot = top;
  }
}

std::vector<Series> empty_areas(const Kinds& kinds, const HeldInPhases& of_all, Drawn drawn) {
  std::vector<Series> areas;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    double most = 0;
    for (const auto& [phase, held] : of_all) most = std::max(most, held_of(held, kinds[i]));
    std::string name = kinds[i];
    std::replace(name.begin(), name.end(), '_', ' ');
    areas.push_back({fmt::format("{}: {}{:.2f} MiB", name, drawn == Drawn::boxes ? "up to " : "", most), drawn, i});
  }
  return areas;
}

[[noreturn]] void refuse_untold(const std::string& title) {
  throw UsageError(fmt::format(
      "{} told nothing of its tensors: the built-in trainer does (docs/tensors.md), and so may a program by events",
      title));
}

double total_of(const Held& held) {
  double total = 0;
  for (const auto& [kind, mib] : held) total += mib;
  return total;
}

// The phase in which one of them holds most.
std::string fullest_phase(const std::map<std::int64_t, HeldInPhases>& trials) {
  std::map<std::string, double> most;
  for (const auto& [trial_id, held] : trials) {
    for (const auto& [phase, of_phase] : held) most[phase] = std::max(most[phase], total_of(of_phase));
  }
  return std::max_element(most.begin(), most.end(), [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace

Picture tensors_over_time(Database& database, const ReportRow& row, const std::string& title) {
  const HeldInPhases held = read_held(database, row.trial_id);
  if (held.empty() || !row.started_ns) refuse_untold(title);
  const double end = row.ended_ns ? static_cast<double>(*row.ended_ns - *row.started_ns) / 1e9 : 0;
  const std::vector<PhaseSpan> spans = read_phases(database, row.trial_id, *row.started_ns, end);
  if (spans.empty()) refuse_untold(title);
  Kinds kinds;
  add_kinds(held, kinds);
  kinds = in_order(kinds);
  Panel panel{.x = {.title = "time since the start (s)", .is_tight = true},
              .y = {.title = "tensors (MiB)", .from_zero = true},
              .series = empty_areas(kinds, held, Drawn::area)};
  panel.phases = {thin_spans(spans, spans.front().from, spans.back().to, kColumns)};
  panel.has_strips = true;
  for (const PhaseSpan& span : panel.phases[0]) {
    const auto found = held.find(span.name);
    const Held of_phase = found == held.end() ? Held() : found->second;
    stack(panel.series, kinds, of_phase, span.from);
    stack(panel.series, kinds, of_phase, span.to);
  }
  return {.title = title, .panels = {std::move(panel)}, .notes = {kNote}};
}

Picture tensors_of_trials(Database& database, const std::vector<ReportRow>& rows, const std::string& phase,
                          const std::string& against, const std::string& title) {
  std::map<std::int64_t, HeldInPhases> by_id;
  for (const ReportRow& row : rows) {
    HeldInPhases held = read_held(database, row.trial_id);
    if (!held.empty()) by_id.emplace(row.trial_id, std::move(held));
  }
  if (by_id.empty()) refuse_untold(title);
  const std::string shown = phase.empty() ? fullest_phase(by_id) : phase;

  // Events may be lost: a trial that told nothing of this phase does not count as one that held nothing.
  std::vector<ReportRow> told;
  Kinds kinds;
  HeldInPhases most;
  for (const ReportRow& row : rows) {
    if (!by_id.contains(row.trial_id) || !by_id[row.trial_id].contains(shown)) continue;
    told.push_back(row);
    for (const auto& [kind, mib] : by_id[row.trial_id][shown]) most[shown][kind] = std::max(most[shown][kind], mib);
  }
  add_kinds(most, kinds);
  if (kinds.empty()) {
    throw UsageError(fmt::format("no tensors were told of in phase {}", memtrack::quoted(shown)));
  }
  kinds = in_order(kinds);
  if (!against.empty()) {
    check_field(told, against, "--against");
    sort_rows(told, {against});
  }
  const auto groups = group_rows(told, {"number"});
  if (groups.size() > kMostTrials) {
    throw UsageError(
        fmt::format("{} has {} trials, and a picture has room for {}; SWEEP:batch_size=8 names some of them", title,
                    groups.size(), kMostTrials));
  }
  Panel panel{.x = {.title = against.empty() ? "number of the trial" : against},
              .y = {.title = fmt::format("tensors in phase {} (MiB)", shown), .from_zero = true},
              .series = empty_areas(kinds, most, Drawn::boxes)};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    Held mean;
    for (const ReportRow& row : groups[i]) {
      for (const auto& [kind, mib] : by_id[row.trial_id][shown])
        mean[kind] += mib / static_cast<double>(groups[i].size());
    }
    panel.x.words.push_back(field_text(groups[i].front(), against.empty() ? "number" : against));
    stack(panel.series, kinds, mean, static_cast<double>(i));
  }
  return {.title = title, .panels = {std::move(panel)}, .notes = {kNote}};
}

}  // namespace memtrack
