#pragma once

// A long trial as a picture can show it.

#include <cstddef>
#include <vector>

#include "tools/plot/picture.h"

namespace memtrack {

// Points of rising x, thinned as they come: of each of `columns` equal parts of [from, to] the first, the lowest, the
// highest and the last are kept. A line through them covers what a line through all would cover, at that many columns
// of a picture; minima and maxima stay where they were.
class CurveThinner {
 public:
  CurveThinner(double from, double to, std::size_t columns);

  void add(double x, double y);
  std::vector<Point> finish();  // what is still kept; the thinner is used up

 private:
  struct Column {
    std::size_t index = 0;
    Point first, lowest, highest, last;
  };
  void close_column();

  double from_, width_;
  std::size_t columns_;
  bool is_open_ = false;
  Column column_;
  std::vector<Point> points_;
};

// Spans that follow each other: in each of `columns` equal parts of [from, to] the one that fills most of it. Where
// that changes nothing, they are returned as they are.
std::vector<PhaseSpan> thin_spans(const std::vector<PhaseSpan>& spans, double from, double to, std::size_t columns);

// Every n-th mark, n of 1, 2, 5, 10, ..., so that at most `most` remain.
std::vector<AxisMark> thin_marks(const std::vector<AxisMark>& marks, std::size_t most);

}  // namespace memtrack
