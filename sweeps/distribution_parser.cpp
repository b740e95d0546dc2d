// Reading a parameter of a sweep file: which distribution it is, which numbers that takes, and whether they fit.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "sweeps/checks.h"
#include "sweeps/distribution.h"
#include "sweeps/nearest_name.h"

namespace memtrack {
namespace {

using Shape = Continuous::Shape;
using Scale = Continuous::Scale;

enum class Kind { constant, categorical, int_uniform, continuous, layer_widths };

struct Form {
  std::string_view name;
  Kind kind;
  std::array<std::string_view, 3> keys;  // beside `distribution`
  Shape shape = Shape::uniform;
  Scale scale = Scale::linear;
  bool bounds_are_values = false;  // where the scale is exponential: of the parameter itself, not exponents
};

constexpr std::array<Form, 19> kForms = {{
    {"constant", Kind::constant, {"value"}},
    {"categorical", Kind::categorical, {"values", "probabilities"}},
    {"categorical_w_probabilities", Kind::categorical, {"values", "probabilities"}},
    {"int_uniform", Kind::int_uniform, {"min", "max"}},
    {"uniform", Kind::continuous, {"min", "max"}},
    {"q_uniform", Kind::continuous, {"min", "max", "q"}},
    {"log_uniform", Kind::continuous, {"min", "max"}, Shape::uniform, Scale::exponential},
    {"log_uniform_values", Kind::continuous, {"min", "max"}, Shape::uniform, Scale::exponential, true},
    {"q_log_uniform", Kind::continuous, {"min", "max", "q"}, Shape::uniform, Scale::exponential},
    {"q_log_uniform_values", Kind::continuous, {"min", "max", "q"}, Shape::uniform, Scale::exponential, true},
    {"inv_log_uniform", Kind::continuous, {"min", "max"}, Shape::uniform, Scale::inverse_exponential},
    {"inv_log_uniform_values", Kind::continuous, {"min", "max"}, Shape::uniform, Scale::inverse_exponential, true},
    {"normal", Kind::continuous, {"mu", "sigma"}, Shape::normal},
    {"q_normal", Kind::continuous, {"mu", "sigma", "q"}, Shape::normal},
    {"log_normal", Kind::continuous, {"mu", "sigma"}, Shape::normal, Scale::exponential},
    {"q_log_normal", Kind::continuous, {"mu", "sigma", "q"}, Shape::normal, Scale::exponential},
    {"beta", Kind::continuous, {"a", "b"}, Shape::beta},
    {"q_beta", Kind::continuous, {"a", "b", "q"}, Shape::beta},
    {"layer_widths", Kind::layer_widths, {"depth", "width"}},
}};

std::vector<std::string_view> form_names() {
  std::vector<std::string_view> names;
  names.reserve(kForms.size());
  for (const Form& form : kForms) {
    names.push_back(form.name);
  }
  return names;
}

const Form* find_form(std::string_view name) {
  const auto found = std::find_if(kForms.begin(), kForms.end(), [&](const Form& form) { return form.name == name; });
  return found == kForms.end() ? nullptr : &*found;
}

std::vector<std::string_view> keys_of(const Form& form) {
  std::vector<std::string_view> keys = {"distribution"};
  std::copy_if(form.keys.begin(), form.keys.end(), std::back_inserter(keys),
               [](std::string_view key) { return !key.empty(); });
  return keys;
}

bool is_whole(const ConfigNode* node) {
  return node != nullptr && std::holds_alternative<std::int64_t>(node->data);
}

// The form that a parameter without `distribution` has, by its other keys.
std::string_view implied_form(const std::string& parameter, const ConfigNode& node) {
  if (node.find("value") != nullptr) {
    return "constant";
  }
  if (node.find("values") != nullptr) {
    return "categorical";
  }
  const ConfigNode* min = node.find("min");
  const ConfigNode* max = node.find("max");
  if (min != nullptr || max != nullptr) {
    return (min == nullptr || is_whole(min)) && (max == nullptr || is_whole(max)) ? "int_uniform" : "uniform";
  }
  if (node.find("depth") != nullptr || node.find("width") != nullptr) {
    return "layer_widths";
  }
  if (node.find("mu") != nullptr || node.find("sigma") != nullptr) {
    fail(node.mark,
         parameter + " has mu or sigma but no distribution, and would have to say one such as distribution: normal");
  }
  constexpr std::array<std::string_view, 5> kUsual = {"value", "values", "min", "max", "distribution"};
  if (!node.map()->empty()) {
    const ConfigMember& first = node.map()->front();
    fail(first.mark, parameter + " has no " + quoted(first.name) + did_you_mean(first.name, kUsual) +
                         "; a parameter is one of {value: 2}, {values: [1, 2]}, {min: 1, max: 9}");
  }
  fail(node.mark, parameter + " is empty, and would have to be one of {value: 2}, {values: [1, 2]}, {min: 1, max: 9}");
}

const Form& form_of(const std::string& parameter, const ConfigNode& node) {
  const ConfigNode* distribution = node.find("distribution");
  if (distribution == nullptr) {
    return *find_form(implied_form(parameter, node));
  }
  const std::string name = text("distribution of " + parameter, *distribution, "uniform");
  const Form* form = find_form(name);
  if (form == nullptr) {
    const std::vector<std::string_view> names = form_names();
    refuse("distribution of " + parameter, *distribution, "one of " + join_names(names) + did_you_mean(name, names));
  }
  return *form;
}

void check_keys(const std::string& parameter, const ConfigNode& node, const Form& form) {
  const std::vector<std::string_view> keys = keys_of(form);
  for (const ConfigMember& member : *node.map()) {
    if (std::find(keys.begin(), keys.end(), member.name) == keys.end()) {
      refuse_key(parameter + " (" + std::string(form.name) + ")", member, keys);
    }
  }
}

const ConfigNode& required(const std::string& parameter, const ConfigNode& node, const Form& form, const char* key) {
  const ConfigNode* found = node.find(key);
  if (found == nullptr) {
    fail(node.mark, parameter + " has no " + key + ", and would have to have one (" + std::string(form.name) + ")");
  }
  return *found;
}

Categorical parse_categorical(const std::string& parameter, const ConfigNode& node, const Form& form) {
  const ConfigNode& values = required(parameter, node, form, "values");
  if (values.list() == nullptr || values.list()->empty()) {
    refuse("values of " + parameter, values, "a list of at least one value such as [32, 128]");
  }
  Categorical result;
  for (const ConfigNode& value : *values.list()) {
    result.values.push_back(to_value(value));
  }
  const ConfigNode* probabilities = node.find("probabilities");
  if (probabilities == nullptr) {
    return result;
  }
  if (probabilities->list() == nullptr || probabilities->list()->size() != result.values.size()) {
    refuse("probabilities of " + parameter, *probabilities,
           "a list of " + std::to_string(result.values.size()) + " numbers, one a value");
  }
  for (const ConfigNode& item : *probabilities->list()) {
    result.probabilities.push_back(real_number("a probability of " + parameter, item, "0.5"));
    if (result.probabilities.back() < 0) {
      refuse("a probability of " + parameter, item, "0 or more");
    }
  }
  const double sum = std::accumulate(result.probabilities.begin(), result.probabilities.end(), 0.0);
  if (std::abs(sum - 1) > 1e-5) {
    fail(probabilities->mark,
         "the probabilities of " + parameter + " add up to " + python_float(sum) + ", and would have to add up to 1");
  }
  return result;
}

void check_order(const std::string& parameter, const ConfigNode& min, const ConfigNode& max, bool ordered) {
  if (!ordered) {
    fail(min.mark, "min of " + parameter + " is " + shown(min) + " and max is " + shown(max) +
                       ", and min would have to be the smaller");
  }
}

// {min: 5, max: 9}
IntUniform parse_int_range(const std::string& parameter, const ConfigNode& node, const Form& form,
                           const IntUniform& allowed) {
  const ConfigNode& min = required(parameter, node, form, "min");
  const ConfigNode& max = required(parameter, node, form, "max");
  const IntUniform range{.min = whole_number("min of " + parameter, min, allowed.min, allowed.max, "1"),
                         .max = whole_number("max of " + parameter, max, allowed.min, allowed.max, "9")};
  check_order(parameter, min, max, range.min <= range.max);
  return range;
}

// depth: 5, or depth: {min: 5, max: 9}
IntUniform parse_layer_range(const std::string& parameter, const ConfigNode& node, const Form& form, const char* key,
                             std::int64_t highest) {
  const ConfigNode& range = required(parameter, node, form, key);
  const std::string name = std::string(key) + " of " + parameter;
  if (range.map() == nullptr) {
    const std::int64_t fixed = whole_number(name, range, 1, highest, "{min: 5, max: 9}");
    return {fixed, fixed};
  }
  constexpr std::array<std::string_view, 2> kKeys = {"min", "max"};
  for (const ConfigMember& member : *range.map()) {
    if (member.name != "min" && member.name != "max") {
      refuse_key(name, member, kKeys);
    }
  }
  return parse_int_range(name, range, form, {1, highest});
}

void set_bounds(Continuous& range, const std::string& parameter, const ConfigNode& node, const Form& form) {
  const ConfigNode& min = required(parameter, node, form, "min");
  const ConfigNode& max = required(parameter, node, form, "max");
  range.first = real_number("min of " + parameter, min, "0.1");
  range.second = real_number("max of " + parameter, max, "0.9");
  range.whole_bounds = range.whole && is_whole(&min) && is_whole(&max);
  check_order(parameter, min, max, range.first <= range.second);
  if (form.bounds_are_values) {
    if (range.first <= 0) {
      refuse("min of " + parameter, min, "greater than 0 (" + std::string(form.name) + ")");
    }
    range.lowest = range.first;
    range.highest = range.second;
    range.first = std::log(range.lowest);
    range.second = std::log(range.highest);
    if (range.scale == Scale::inverse_exponential) {
      range.first = -std::log(range.highest);
      range.second = -std::log(range.lowest);
    }
  }
  const double larger = range.scale == Scale::inverse_exponential ? -range.first : range.second;
  const bool finite =
      range.scale == Scale::linear ? std::isfinite(range.second - range.first) : std::isfinite(std::exp(larger));
  if (!finite) {
    fail(max.mark, parameter + " goes beyond what a number can be: with " + std::string(form.name) +
                       " the bounds are exponents, and values would have to be given to " + std::string(form.name) +
                       "_values");
  }
}

// mu and sigma, or a and b; W&B's defaults where they are left out.
void set_moments(Continuous& range, const std::string& parameter, const ConfigNode& node) {
  const bool beta = range.shape == Shape::beta;
  const std::string first = beta ? "a" : "mu";
  const std::string second = beta ? "b" : "sigma";
  range.first = beta ? 1 : 0;
  range.second = 1;
  if (const ConfigNode* found = node.find(first)) {
    range.first = real_number(first + " of " + parameter, *found, "1");
    if (beta && range.first <= 0) {
      refuse(first + " of " + parameter, *found, "greater than 0");
    }
  }
  if (const ConfigNode* found = node.find(second)) {
    range.second = real_number(second + " of " + parameter, *found, "1");
    if (range.second < 0 || (beta && range.second <= 0)) {
      refuse(second + " of " + parameter, *found, beta ? "greater than 0" : "0 or more");
    }
  }
}

Continuous parse_continuous(const std::string& parameter, const ConfigNode& node, const Form& form) {
  Continuous range{.shape = form.shape, .scale = form.scale};
  if (form.keys[2] == "q") {
    const ConfigNode* q = node.find("q");
    range.q = q == nullptr ? 1.0 : real_number("q of " + parameter, *q, "8");
    range.whole = q == nullptr || is_whole(q);
    if (*range.q <= 0) {
      refuse("q of " + parameter, *q, "greater than 0");
    }
  }
  if (form.shape == Shape::uniform) {
    set_bounds(range, parameter, node, form);
  } else {
    set_moments(range, parameter, node);
  }
  return range;
}

// Fails with the way to write what was meant: {value: 2} for 2, {values: [1, 2]} for [1, 2].
[[noreturn]] void refuse_shorthand(const std::string& parameter, const ConfigNode& node) {
  if (std::holds_alternative<std::monostate>(node.data)) {
    refuse(parameter, node, "a map such as {value: 2} or {values: [1, 2]}");
  }
  refuse(parameter, node, (node.list() != nullptr ? "{values: " : "{value: ") + shown(node) + "}");
}

}  // namespace

Distribution parse_distribution(const std::string& parameter, const ConfigNode& node) {
  if (node.map() == nullptr) {
    refuse_shorthand(parameter, node);
  }
  const Form& form = form_of(parameter, node);
  check_keys(parameter, node, form);
  Distribution result;
  result.name = form.name;
  switch (form.kind) {
    case Kind::constant:
      result.what = ConstantValue{to_value(required(parameter, node, form, "value"))};
      break;
    case Kind::categorical:
      result.what = parse_categorical(parameter, node, form);
      break;
    case Kind::int_uniform: {
      using Limits = std::numeric_limits<std::int64_t>;
      result.what = parse_int_range(parameter, node, form, {Limits::min(), Limits::max()});
      break;
    }
    case Kind::continuous:
      result.what = parse_continuous(parameter, node, form);
      break;
    case Kind::layer_widths:
      result.what = LayerWidths{.depth = parse_layer_range(parameter, node, form, "depth", 1000),
                                .width = parse_layer_range(parameter, node, form, "width", 1'000'000)};
      break;
  }
  return result;
}

}  // namespace memtrack
