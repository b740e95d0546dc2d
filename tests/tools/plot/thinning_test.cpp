#include "tools/plot/thinning.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

using namespace memtrack;

namespace {

std::vector<Point> thinned(const std::vector<Point>& points, std::size_t columns) {
  CurveThinner thinner(points.front().x, points.back().x, columns);
  for (const Point& point : points) thinner.add(point.x, point.y);
  return thinner.finish();
}

std::size_t column_of(double x, double end, std::size_t columns) {
  return std::min(columns - 1, static_cast<std::size_t>(x / (end / static_cast<double>(columns))));
}

// The lowest and the highest of each column.
std::map<std::size_t, std::pair<double, double>> extremes(const std::vector<Point>& points, double end,
                                                          std::size_t columns) {
  std::map<std::size_t, std::pair<double, double>> found;
  for (const Point& point : points) {
    auto& [low, high] = found.try_emplace(column_of(point.x, end, columns), point.y, point.y).first->second;
    low = std::min(low, point.y);
    high = std::max(high, point.y);
  }
  return found;
}

}  // namespace

TEST_CASE("a million points become a few thousand that keep each column's lowest and highest") {
  constexpr std::size_t kCount = 1'000'000, kColumns = 600;
  std::mt19937_64 random(4711);
  std::vector<Point> points;
  for (std::size_t i = 0; i < kCount; ++i) {
    const double spike = i == 654'321 ? 5000 : i == 123'456 ? -3000 : 0;
    points.push_back(
        {.x = static_cast<double>(i),
         .y = 100 * std::sin(static_cast<double>(i) / 5e4) + static_cast<double>(random() % 1000) / 100 + spike});
  }
  const std::vector<Point> kept = thinned(points, kColumns);
  CHECK(kept.size() <= 4 * kColumns);
  CHECK(kept.front().x == 0);
  CHECK(kept.back().x == kCount - 1);
  CHECK(std::is_sorted(kept.begin(), kept.end(), [](const Point& a, const Point& b) { return a.x < b.x; }));
  CHECK(extremes(kept, kCount - 1, kColumns) == extremes(points, kCount - 1, kColumns));
  const auto highest =
      std::max_element(kept.begin(), kept.end(), [](const Point& a, const Point& b) { return a.y < b.y; });
  CHECK(highest->x == 654'321);
}

TEST_CASE("fewer points than a picture shows stay as they are") {
  const std::vector<Point> points = {{.x = 0, .y = 1}, {.x = 1, .y = 5}, {.x = 2, .y = 5}, {.x = 9, .y = 2}};
  const std::vector<Point> kept = thinned(points, 600);
  REQUIRE(kept.size() == points.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    CHECK(kept[i].x == points[i].x);
    CHECK(kept[i].y == points[i].y);
  }
}

TEST_CASE("one point alone is kept") {
  CHECK(thinned({{.x = 3, .y = 7}}, 600).size() == 1);
}

TEST_CASE("of phases shorter than a column the one that fills most of it stays") {
  std::vector<PhaseSpan> spans = {{0, 100, "load"}};
  for (int i = 0; i < 1000; ++i) {  // 0.9 s of training, 0.1 s of evaluating
    const double begin = 100 + i;
    spans.push_back({begin, begin + 0.9, "train"});
    spans.push_back({begin + 0.9, begin + 1, "evaluate"});
  }
  const std::vector<PhaseSpan> kept = thin_spans(spans, 0, 1100, 100);
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].name == "load");
  CHECK(kept[0].to == doctest::Approx(99));
  CHECK(kept[1].name == "train");
  CHECK(kept[1].to == doctest::Approx(1100));
}

TEST_CASE("few phases stay as the program named them") {
  const std::vector<PhaseSpan> spans = {{0, 0.001, "start"}, {0.001, 50, "train"}};
  const std::vector<PhaseSpan> kept = thin_spans(spans, 0, 50, 100);
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].to == 0.001);
}

TEST_CASE("of many epochs every second or fifth or tenth is marked") {
  std::vector<AxisMark> marks;
  for (int epoch = 1; epoch <= 100; ++epoch) marks.push_back({static_cast<double>(epoch), std::to_string(epoch)});
  CHECK(thin_marks(marks, 100).size() == 100);
  CHECK(thin_marks(marks, 60).front().text == "2");
  CHECK(thin_marks(marks, 24).front().text == "5");
  CHECK(thin_marks(marks, 10).back().text == "100");
  CHECK(thin_marks(marks, 7).front().text == "20");
  CHECK(thin_marks({}, 7).empty());
}
