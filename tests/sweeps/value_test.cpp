#include "sweeps/value.h"

#include <doctest/doctest.h>

#include <limits>
#include <utility>
#include <vector>

using memtrack::JsonStyle;
using memtrack::ParameterValue;
using memtrack::python_float;
using memtrack::python_str;
using memtrack::to_json;
using memtrack::ValueDict;
using memtrack::ValueList;

TEST_CASE("floats print as Python's repr prints them") {
  const std::vector<std::pair<double, std::string>> cases = {
      {0.001, "0.001"},
      {0.0001, "0.0001"},
      {0.00001, "1e-05"},
      {1.5e-7, "1.5e-07"},
      {1e-100, "1e-100"},
      {0.1 + 0.2, "0.30000000000000004"},
      {1.0, "1.0"},
      {-2.5, "-2.5"},
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {100000.0, "100000.0"},
      {1e15, "1000000000000000.0"},
      {9999999999999998.0, "9999999999999998.0"},
      {1e16, "1e+16"},
      {1e22, "1e+22"},
      {1.2345678901234568e17, "1.2345678901234568e+17"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {std::numeric_limits<double>::infinity(), "inf"},
      {-std::numeric_limits<double>::infinity(), "-inf"},
      {std::numeric_limits<double>::quiet_NaN(), "nan"},
  };
  for (const auto& [number, text] : cases) {
    CHECK(python_float(number) == text);
  }
}

TEST_CASE("values print as Python's str prints them") {
  const std::vector<std::pair<ParameterValue, std::string>> cases = {
      {{}, "None"},
      {{true}, "True"},
      {{false}, "False"},
      {{std::int64_t{128}}, "128"},
      {{std::string("adam")}, "adam"},
      {{std::string("it's")}, "it's"},
      {{ValueList{{std::int64_t{128}}, {std::int64_t{64}}}}, "[128, 64]"},
      {{ValueList{}}, "[]"},
      {{ValueDict{}}, "{}"},
      {{ValueList{{std::string("relu")}, {}, {true}, {0.5}}}, "['relu', None, True, 0.5]"},
      {{ValueDict{{"lr", {0.1}}, {"name", {std::string("adam")}}}}, "{'lr': 0.1, 'name': 'adam'}"},
      {{ValueList{{std::string("it's")}, {std::string("a\"b'c")}, {std::string("x\\y\n\x01")}}},
       R"(["it's", 'a"b\'c', 'x\\y\n\x01'])"},
      {{ValueList{{ValueList{{std::int64_t{1}}}}}}, "[[1]]"},
      {{ValueList{{std::string("größe")}}}, "['größe']"},
  };
  for (const auto& [value, text] : cases) {
    CHECK(python_str(value) == text);
  }
}

TEST_CASE("JSON is compact for the database, Python's for arguments, and readable as YAML 1.1 for files") {
  const ParameterValue value{ValueDict{{"lr", {1e-5}},
                                       {"n", {std::int64_t{2}}},
                                       {"whole", {1.0}},
                                       {"name", {std::string("gr\"ö\\\t\xF0\x9F\x98\x80")}},
                                       {"none", {}},
                                       {"list", {ValueList{{true}, {false}}}}}};
  CHECK(to_json(value, JsonStyle::compact) ==
        "{\"lr\":1e-05,\"n\":2,\"whole\":1.0,\"name\":\"gr\\\"ö\\\\\\t\xF0\x9F\x98\x80\",\"none\":null,"
        "\"list\":[true,false]}");
  CHECK(to_json(value, JsonStyle::python) ==
        R"({"lr": 1e-05, "n": 2, "whole": 1.0, "name": "gr\"\u00f6\\\t\ud83d\ude00", "none": null, )"
        R"("list": [true, false]})");
  CHECK(to_json(value, JsonStyle::yaml) ==
        "{\"lr\": 1.0e-05, \"n\": 2, \"whole\": 1.0, \"name\": \"gr\\\"ö\\\\\\t\xF0\x9F\x98\x80\", \"none\": null, "
        "\"list\": [true, false]}");
  CHECK(to_json({1.5e-7}, JsonStyle::yaml) == "1.5e-07");
}

TEST_CASE("numbers that JSON has no word for are strings, but bare for Python") {
  const ParameterValue value{ValueList{{std::numeric_limits<double>::quiet_NaN()},
                                       {std::numeric_limits<double>::infinity()},
                                       {-std::numeric_limits<double>::infinity()}}};
  CHECK(to_json(value, JsonStyle::compact) == R"(["nan","inf","-inf"])");
  CHECK(to_json(value, JsonStyle::python) == "[NaN, Infinity, -Infinity]");
}
