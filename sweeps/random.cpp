#include "sweeps/random.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace memtrack {
namespace {

constexpr std::uint64_t kGoldenGamma = 0x9E3779B97F4A7C15U;

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

// FNV-1a
std::uint64_t hash(std::string_view text) {
  std::uint64_t result = 0xCBF29CE484222325U;
  for (const char c : text) {
    result = (result ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  }
  return result;
}

}  // namespace

Random::Random(std::uint64_t seed, std::string_view purpose, std::uint64_t index)
    : state_(mix(mix(mix(seed + kGoldenGamma) ^ hash(purpose)) + kGoldenGamma * (index + 1))) {}

std::uint64_t Random::next() {
  state_ += kGoldenGamma;
  return mix(state_);
}

std::uint64_t Random::below(std::uint64_t bound) {
  if (bound == 0) {
    return next();
  }
  // The lowest 2^64 mod bound numbers would make small results likelier.
  const std::uint64_t surplus = (0 - bound) % bound;
  std::uint64_t drawn = next();
  while (drawn < surplus) {
    drawn = next();
  }
  return drawn % bound;
}

std::int64_t Random::between(std::int64_t low, std::int64_t high) {
  const std::uint64_t count = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + below(count));
}

double Random::unit() {
  return static_cast<double>(next() >> 11U) * 0x1.0p-53;
}

// Box and Muller; the second of each pair is not kept, so that a draw has no memory.
double Random::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - unit()));
  return radius * std::cos(2 * std::numbers::pi * unit());
}

// Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
double Random::gamma(double shape) {
  if (shape < 1) {
    const double u = 1 - unit();
    return gamma(shape + 1) * std::pow(u, 1 / shape);
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal();
    const double v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - unit()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return d * v;
    }
  }
}

double Random::beta(double a, double b) {
  const double x = gamma(a);
  const double y = gamma(b);
  return x + y > 0 ? x / (x + y) : (unit() < a / (a + b) ? 1.0 : 0.0);  // both rounded to 0: tiny a and b
}

std::vector<std::int64_t> permutation(std::int64_t count, Random& random) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (std::size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[random.below(left)]);
  }
  return order;
}

}  // namespace memtrack
