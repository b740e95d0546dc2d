#include "storage/sql_functions.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <cmath>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "storage/aggregates.h"
#include "storage/sqlite_error.h"

namespace memtrack {
namespace {

constexpr std::array kFunctions = std::to_array<SqlFunction>({
    {"mib", "mib(bytes)", "bytes / 1048576.0"},
    {"median", "median(x)", "the middle value; of an even count the mean of the two in the middle"},
    {"percentile", "percentile(x, p)",
     "the value below which p percent lie (0 to 100, the same for all rows), between two values by a straight line"},
    {"stddev", "stddev(x)", "standard deviation, n - 1; NULL below two values"},
    {"corr", "corr(y, x)", "Pearson's correlation; NULL where one side does not vary"},
    {"regr_slope", "regr_slope(y, x)", "slope of the least-squares line y = intercept + slope * x"},
    {"regr_intercept", "regr_intercept(y, x)", "intercept of that line"},
});

struct BadArgument {
  std::string what;
};

std::string name_of(sqlite3_context* context) {
  return static_cast<const SqlFunction*>(sqlite3_user_data(context))->name.data();
}

// nullopt: NULL. Infinities are numbers, as in SQL.
std::optional<double> number_of(sqlite3_context* context, sqlite3_value* value) {
  switch (sqlite3_value_numeric_type(value)) {
    case SQLITE_NULL:
      return std::nullopt;
    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
      return sqlite3_value_double(value);
    default:
      throw BadArgument{fmt::format("{}() takes numbers, not text", name_of(context))};
  }
}

void give(sqlite3_context* context, std::optional<double> result) {
  result ? sqlite3_result_double(context, *result) : sqlite3_result_null(context);  // NaN becomes NULL
}

// Exceptions must not cross SQLite, which is C.
template <typename Work>
void guarded(sqlite3_context* context, Work&& work) {
  try {
    work();
  } catch (const BadArgument& error) {
    sqlite3_result_error(context, error.what.c_str(), -1);
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  }
}

// What an aggregate has gathered so far hangs on a pointer in memory that SQLite keeps for it.
template <typename State>
State& state_of(sqlite3_context* context) {
  auto** held = static_cast<State**>(sqlite3_aggregate_context(context, sizeof(State*)));
  if (held == nullptr) throw std::bad_alloc();
  if (*held == nullptr) *held = std::make_unique<State>().release();  // owned by finish()
  return **held;
}

template <typename State>
void step(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  guarded(context, [&] { state_of<State>(context).step(context, values); });
}

// Called once for each aggregate, also after an error and where there was no row.
template <typename State>
void finish(sqlite3_context* context) {
  auto** held = static_cast<State**>(sqlite3_aggregate_context(context, 0));
  const std::unique_ptr<State> state(held == nullptr ? nullptr : *held);
  guarded(context, [&] { give(context, state ? state->result(context) : std::nullopt); });
}

struct Deviation {
  Moments moments;
  void step(sqlite3_context* context, sqlite3_value** values) {
    if (const auto value = number_of(context, values[0])) moments.add(*value);
  }
  std::optional<double> result(sqlite3_context* /*context*/) { return moments.standard_deviation(); }
};

struct Quantile {
  std::vector<double> numbers;
  double share = 0.5;

  void step(sqlite3_context* context, sqlite3_value** values) {
    if (const auto value = number_of(context, values[0])) numbers.push_back(*value);
  }
  std::optional<double> result(sqlite3_context* /*context*/) {
    return numbers.empty() ? std::nullopt : std::optional(quantile_of(std::move(numbers), share));
  }
};

struct Percentile : Quantile {
  bool is_first = true;

  void step(sqlite3_context* context, sqlite3_value** values) {
    const std::optional<double> percent = number_of(context, values[1]);
    if (!percent || !(*percent >= 0 && *percent <= 100)) {
      throw BadArgument{"the second argument of percentile() is a number from 0 to 100"};
    }
    if (!is_first && *percent / 100 != share) {
      throw BadArgument{"the second argument of percentile() is the same for all rows"};
    }
    is_first = false;
    share = *percent / 100;
    Quantile::step(context, values);
  }
};

template <auto Result>
struct Pairs {
  PairMoments moments;
  void step(sqlite3_context* context, sqlite3_value** values) {
    const auto y = number_of(context, values[0]), x = number_of(context, values[1]);
    if (x && y) moments.add(*x, *y);
  }
  std::optional<double> result(sqlite3_context* /*context*/) { return (moments.*Result)(); }
};

void mib(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  guarded(context, [&] {
    const std::optional<double> bytes = number_of(context, values[0]);
    give(context, bytes ? std::optional(*bytes / (1024.0 * 1024.0)) : std::nullopt);
  });
}

class Registration {
 public:
  explicit Registration(sqlite3* handle) : handle_(handle) {}

  void scalar(std::string_view name, int arguments, void (*function)(sqlite3_context*, int, sqlite3_value**)) {
    create(name, arguments, function, nullptr, nullptr);
  }

  template <typename State>
  void aggregate(std::string_view name, int arguments) {
    create(name, arguments, nullptr, step<State>, finish<State>);
  }

 private:
  void create(std::string_view name, int arguments, void (*function)(sqlite3_context*, int, sqlite3_value**),
              void (*on_row)(sqlite3_context*, int, sqlite3_value**), void (*at_end)(sqlite3_context*)) {
    for (const SqlFunction& known : kFunctions) {
      if (known.name != name) continue;
      constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
      if (const int result =
              sqlite3_create_function_v2(handle_, known.name.data(), arguments, kFlags,
                                         const_cast<SqlFunction*>(&known), function, on_row, at_end, nullptr);
          result != SQLITE_OK) {
        throw SQLite::Exception(handle_, result);
      }
    }
  }

  sqlite3* handle_;
};

}  // namespace

std::span<const SqlFunction> sql_functions() {
  return kFunctions;
}

void add_sql_functions(sqlite3* handle) {
  Registration functions(handle);
  functions.scalar("mib", 1, mib);
  functions.aggregate<Quantile>("median", 1);
  functions.aggregate<Percentile>("percentile", 2);
  functions.aggregate<Deviation>("stddev", 1);
  functions.aggregate<Pairs<&PairMoments::correlation>>("corr", 2);
  functions.aggregate<Pairs<&PairMoments::slope>>("regr_slope", 2);
  functions.aggregate<Pairs<&PairMoments::intercept>>("regr_intercept", 2);
}

}  // namespace memtrack
