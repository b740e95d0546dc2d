#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace memtrack {

// Random numbers that are the same on every machine and in every version: the generator is SplitMix64 (Steele, Lea and
// Flood, "Fast splittable pseudorandom number generators", 2014), the transforms are ours, since those of <random> are
// the implementation's own. Each (seed, purpose, index) has a stream of its own: what trial 7 draws for `epochs`
// depends neither on the trials before it nor on the other parameters.
class Random {
 public:
  Random(std::uint64_t seed, std::string_view purpose, std::uint64_t index);

  std::uint64_t next();

  // 0 .. bound - 1, each as likely as the other; bound 0 stands for 2^64.
  std::uint64_t below(std::uint64_t bound);

  // low .. high, both included.
  std::int64_t between(std::int64_t low, std::int64_t high);

  double unit();    // [0, 1), 53 bits
  double normal();  // mean 0, standard deviation 1
  double beta(double a, double b);

 private:
  double gamma(double shape);

  std::uint64_t state_;
};

// 0 .. count - 1, each once, in random order.
std::vector<std::int64_t> permutation(std::int64_t count, Random& random);

}  // namespace memtrack
