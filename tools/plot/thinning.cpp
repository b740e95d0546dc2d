#include "tools/plot/thinning.h"

#include <algorithm>
#include <map>

namespace memtrack {

CurveThinner::CurveThinner(double from, double to, std::size_t columns)
    : from_(from), width_(to > from ? (to - from) / static_cast<double>(columns) : 1), columns_(columns) {}

void CurveThinner::add(double x, double y) {
  const double place = std::clamp((x - from_) / width_, 0.0, static_cast<double>(columns_ - 1));
  const auto index = static_cast<std::size_t>(place);
  const Point point{.x = x, .y = y};
  if (is_open_ && index != column_.index) close_column();
  if (!is_open_) {
    column_ = {.index = index, .first = point, .lowest = point, .highest = point, .last = point};
    is_open_ = true;
    return;
  }
  column_.last = point;
  if (y < column_.lowest.y) column_.lowest = point;
  if (y > column_.highest.y) column_.highest = point;
}

void CurveThinner::close_column() {
  const auto [lower, higher] = column_.lowest.x < column_.highest.x ? std::pair(column_.lowest, column_.highest)
                                                                    : std::pair(column_.highest, column_.lowest);
  double written = points_.empty() ? from_ - 1 : points_.back().x;
  for (const Point& point : {column_.first, lower, higher, column_.last}) {
    if (points_.empty() || point.x > written) points_.push_back(point);
    written = points_.back().x;
  }
  is_open_ = false;
}

std::vector<Point> CurveThinner::finish() {
  if (is_open_) close_column();
  return std::move(points_);
}

std::vector<PhaseSpan> thin_spans(const std::vector<PhaseSpan>& spans, double from, double to, std::size_t columns) {
  if (spans.size() <= columns / 2 || to <= from) return spans;
  std::vector<PhaseSpan> thinned;
  const double width = (to - from) / static_cast<double>(columns);
  auto next = spans.begin();
  for (std::size_t i = 0; i < columns; ++i) {
    const double begin = from + width * static_cast<double>(i), end = begin + width;
    std::map<std::string, double> filled;
    while (next != spans.end() && next->to <= begin) ++next;
    for (auto span = next; span != spans.end() && span->from < end; ++span) {
      filled[span->name] += std::min(span->to, end) - std::max(span->from, begin);
    }
    if (filled.empty()) continue;
    const auto most = std::max_element(filled.begin(), filled.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (!thinned.empty() && thinned.back().name == most->first && thinned.back().to >= begin - width / 2) {
      thinned.back().to = end;
    } else {
      thinned.push_back({begin, end, most->first});
    }
  }
  return thinned;
}

std::vector<AxisMark> thin_marks(const std::vector<AxisMark>& marks, std::size_t most) {
  std::size_t every = 1;
  for (std::size_t round = 0; marks.size() / every > most; ++round) every = every * (round % 3 == 1 ? 5 : 4) / 2;
  std::vector<AxisMark> thinned;
  for (std::size_t i = every - 1; i < marks.size(); i += every) thinned.push_back(marks[i]);
  return thinned;
}

}  // namespace memtrack
