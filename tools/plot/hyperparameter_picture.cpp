#include "tools/plot/hyperparameter_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "tools/exit_codes.h"
#include "tools/plot/time_picture.h"
#include "tools/report/report.h"
#include "tools/report/selection.h"
#include "tools/report/summary.h"
#include "tools/text.h"
#include "tools/values.h"

namespace memtrack {
namespace {

constexpr double kLogarithmicFrom = 50;  // largest over smallest
constexpr double kMostWholes = 12;       // ticks of an axis
constexpr std::size_t kMostPanels = 9, kMostWords = 24;

struct FieldTitle {
  std::string_view field, title;
};
constexpr std::array<FieldTitle, 6> kTitles = {{{"learning_rate", "learning rate"},
                                                {"epochs", "epochs"},
                                                {"depth", "number of hidden layers"},
                                                {"batch_size", "batch size"},
                                                {"hidden_nodes", "nodes in hidden layers"},
                                                {"parameter_count", "weights and biases"}}};

std::string title_of(std::string_view field) {
  const auto found =
      std::find_if(kTitles.begin(), kTitles.end(), [&](const auto& known) { return known.field == field; });
  return found == kTitles.end() ? std::string(field) : std::string(found->title);
}

// Trials that are one point.
struct Dot {
  ReportRow row;  // the first of them
  std::size_t group = 0;
  Spread memory;  // bytes
};

bool takes_part(const ReportRow& row) {
  return row.state == TrialState::done && row.memory_bytes.has_value();
}

void refuse_mixed_sources(const std::vector<ReportRow>& rows) {
  const auto other = [&](const ReportRow& row) { return row.memory_source != rows[0].memory_source; };
  if (std::any_of(rows.begin(), rows.end(), other)) {
    throw UsageError(
        "exact peaks and lower bounds are not drawn into one picture; --statistic mean, median or p95 shows the same "
        "readings of all");
  }
}

std::vector<ReportRow> all_rows(const std::vector<std::vector<ReportRow>>& sets) {
  std::vector<ReportRow> rows;
  for (const auto& set : sets) std::copy_if(set.begin(), set.end(), std::back_inserter(rows), takes_part);
  return rows;
}

std::vector<Dot> dots_of(const std::vector<std::vector<ReportRow>>& sets, bool each) {
  std::vector<Dot> dots;
  for (const auto& set : sets) {
    std::vector<ReportRow> done;
    std::copy_if(set.begin(), set.end(), std::back_inserter(done), takes_part);
    std::vector<std::vector<ReportRow>> groups;
    if (each) {
      for (const ReportRow& row : done) groups.push_back({row});
    } else {
      groups = group_rows(done, {"number"});
    }
    for (const auto& group : groups) dots.push_back({.row = group.front(), .memory = summarize(group).memory});
  }
  return dots;
}

bool varies(const std::vector<ReportRow>& rows, std::string_view field) {
  const auto other = [&](const ReportRow& row) { return report_field(row, field) != report_field(rows[0], field); };
  return std::any_of(rows.begin(), rows.end(), other);
}

// The paper's four first, where they vary.
std::vector<std::string> default_fields(const std::vector<ReportRow>& rows, std::size_t most) {
  std::vector<std::string> fields;
  for (const FieldTitle& known : kTitles) {
    if (fields.size() < most && varies(rows, known.field)) fields.emplace_back(known.field);
  }
  for (const VaryingParameter& parameter : varying_parameters(rows)) {
    if (fields.size() < most && parameter.name != "seed") fields.push_back(parameter.name);  // repeats differ in it
  }
  if (fields.empty()) {
    throw UsageError("no hyperparameter varies between these trials; 'memtrack plot time' shows each over its time");
  }
  return fields;
}

// What colours tell apart: the words that the field has, in their order; one empty word without a field.
std::vector<std::string> group_dots(std::vector<Dot>& dots, const std::string& field) {
  std::vector<std::string> names;
  for (Dot& dot : dots) {
    const std::string name = field.empty() ? "" : field_text(dot.row, field);
    const auto found = std::find(names.begin(), names.end(), name);
    dot.group = static_cast<std::size_t>(found - names.begin());
    if (found == names.end()) names.push_back(name);
  }
  return names;
}

// Numbers as numbers; anything else as words, in the order in which they come.
class Places {
 public:
  Places(const std::vector<Dot>& dots, const std::string& field) : field_(field) {
    is_number_ = std::all_of(dots.begin(), dots.end(), [&](const Dot& dot) {
      const Value value = report_field(dot.row, field);
      return real_of(value) || std::holds_alternative<std::monostate>(value);
    });
    std::set<std::string> words;
    for (const Dot& dot : dots) {
      if (!is_number_) words.insert(field_text(dot.row, field));
    }
    if (words.size() > kMostWords) {
      throw UsageError(fmt::format("--against {} has {} different words, and a panel has room for {}", field,
                                   words.size(), kMostWords));
    }
    axis_.title = title_of(field);
    axis_.words.assign(words.begin(), words.end());
  }

  std::optional<double> place(const ReportRow& row) const {
    if (is_number_) return real_of(report_field(row, field_));
    const auto found = std::find(axis_.words.begin(), axis_.words.end(), field_text(row, field_));
    return static_cast<double>(found - axis_.words.begin());
  }

  Axis axis(const std::vector<double>& values) const {
    Axis axis = axis_;
    if (!is_number_ || values.empty()) return axis;
    const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
    axis.is_whole = *highest - *lowest <= kMostWholes &&
                    std::all_of(values.begin(), values.end(), [](double value) { return value == std::floor(value); });
    axis.is_logarithmic = !axis.is_whole && *lowest > 0 && *highest / *lowest >= kLogarithmicFrom;
    return axis;
  }

 private:
  std::string field_;
  bool is_number_ = true;
  Axis axis_;
};

Point point_of(double x, const Dot& dot) {
  const Spread& bytes = dot.memory;
  Point point{.x = x, .y = *bytes.mean / kMib};
  point.name =
      fmt::format("number {}{}", dot.row.number, bytes.count > 1 ? fmt::format(", {} repeats", bytes.count) : "");
  if (bytes.interval) point.interval = Interval{bytes.interval->low / kMib, bytes.interval->high / kMib};
  return point;
}

Panel panel_of(const std::vector<Dot>& dots, const std::vector<std::string>& groups, const std::string& field,
               const Figure& figure, const HyperparameterQuestion& question) {
  const Places places(dots, field);
  Panel panel{.title = "memory against " + title_of(field),
              .y = {.title = metric_axis(figure.metric)},
              .is_turned = question.is_turned};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    panel.series.push_back({groups[i].empty() && question.with_reported ? "measured" : groups[i], Drawn::points, i});
  }
  for (std::size_t i = 0; i < groups.size() && question.with_reported; ++i) {
    panel.series.push_back({groups[i].empty() ? "published" : groups[i] + ", published", Drawn::hollow_points, i});
  }
  for (const Dot& dot : dots) {
    const std::optional<double> x = places.place(dot.row);
    if (!x) continue;
    panel.series[dot.group].points.push_back(point_of(*x, dot));
    if (question.with_reported && dot.row.reported_memory_mib) {
      panel.series[groups.size() + dot.group].points.push_back(
          {.x = *x, .y = *dot.row.reported_memory_mib, .name = fmt::format("number {}, published", dot.row.number)});
    }
  }
  panel.x = places.axis(x_values(panel));
  return panel;
}

std::vector<std::string> notes_of(const std::vector<Dot>& dots, std::size_t drawn, std::size_t named,
                                  const Figure& figure) {
  std::vector<std::string> notes = {figure_sentence(figure)};
  const bool any_interval =
      std::any_of(dots.begin(), dots.end(), [](const Dot& dot) { return dot.memory.interval.has_value(); });
  if (drawn < named) {
    notes.push_back(
        fmt::format("{} of {} trials are done and have this figure; the others are not drawn.", drawn, named));
  }
  if (any_interval) {
    notes.push_back("A point: the mean over the repeats of a trial; its bar: the 95% t interval of the mean.");
  } else if (dots.size() == drawn) {
    notes.push_back("A point is one trial: a difference between two of them may be chance.");
  }
  return notes;
}

}  // namespace

Picture hyperparameter_picture(const std::vector<std::vector<ReportRow>>& sets, const Figure& figure,
                               const HyperparameterQuestion& question, const std::string& title) {
  const std::vector<ReportRow> rows = all_rows(sets);
  if (rows.empty()) {
    throw UsageError(
        fmt::format("{}: no trial is done and has {}; 'memtrack report' says why", title, figure.metric.column));
  }
  refuse_mixed_sources(rows);
  std::size_t named = 0;
  for (const auto& set : sets) named += set.size();
  for (const std::string& field : question.against) check_field(rows, field, "--against");
  if (!question.by.empty()) check_field(rows, question.by, "--by");
  const std::vector<std::string> fields =
      question.against.empty() ? default_fields(rows, question.most_panels) : question.against;
  if (fields.size() > kMostPanels) {
    throw UsageError(
        fmt::format("--against names {} fields, and a picture holds {} panels", fields.size(), kMostPanels));
  }
  std::vector<Dot> dots = dots_of(sets, question.each);
  const std::vector<std::string> groups = group_dots(dots, !question.by.empty()      ? question.by
                                                           : varies(rows, "dataset") ? "dataset"
                                                                                     : "");
  Picture picture{.title = title, .panels = {}, .notes = notes_of(dots, rows.size(), named, figure)};
  for (const std::string& field : fields) picture.panels.push_back(panel_of(dots, groups, field, figure, question));
  return picture;
}

}  // namespace memtrack
