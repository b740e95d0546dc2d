#include "daemon/api.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "daemon/api_rows.h"
#include "daemon/health.h"
#include "daemon/patience.h"
#include "daemon/processes.h"
#include "daemon/submission.h"
#include "storage/query.h"
#include "storage/trial_queue.h"
#include "sweeps/trial_state.h"

namespace memtrack {
namespace asio = boost::asio;
using nlohmann::json;

namespace {

using Answer = asio::awaitable<HttpResponse>;

constexpr auto kLongestSubmission = std::chrono::minutes(10);
constexpr auto kPatienceWithDatabase = std::chrono::seconds(10);
constexpr auto kQueueCheck = std::chrono::milliseconds(50);

// Counted one by one: grouping would read the sweep's own columns once a trial.
std::string sweep_columns() {
  std::string columns =
      "s.sweep_id, s.uid, s.name, s.method, s.effective_method, s.overrides, s.seed, s.state, s.created_ns, s.jobs, "
      "s.retries, s.priority, s.paused, s.next_number, "
      "(SELECT count(*) FROM trials t WHERE t.sweep_id = s.sweep_id) AS trials";
  for (const char* state : {"queued", "running", "done", "failed", "oom_killed", "timed_out", "cancelled", "lost"}) {
    columns += fmt::format(", (SELECT count(*) FROM trials t WHERE t.sweep_id = s.sweep_id AND t.state = '{0}') AS {0}",
                           state);
  }
  return columns;
}

std::optional<std::int64_t> parse_whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0 ? std::optional(number) : std::nullopt;
}

std::int64_t id_in_path(const HttpRequest& request, const char* of) {
  const std::string& text = request.path_values.at(0);
  const std::optional<std::int64_t> id = parse_whole_number(text);
  if (!id) {
    throw HttpError(404, fmt::format("there is no {} '{}': an id is a whole number", of, text));
  }
  return *id;
}

std::optional<std::int64_t> number_in_query(const HttpRequest& request, const std::string& name) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) {
    return std::nullopt;
  }
  const std::optional<std::int64_t> number = parse_whole_number(found->second);
  if (!number) {
    throw HttpError(400, fmt::format("{} is '{}', and would have to be a whole number", name, found->second));
  }
  return number;
}

std::optional<std::int64_t> limit_in_query(const HttpRequest& request) {
  const std::optional<std::int64_t> limit = number_in_query(request, "limit");
  if (limit == 0) {
    throw HttpError(400, "limit is 0, and would have to be 1 or more");
  }
  return limit;
}

[[noreturn]] void throw_not_found(const char* what, std::int64_t id) {
  throw HttpError(404, fmt::format("there is no {} {}", what, id));
}

void require_row(Database& database, const char* what, std::int64_t id) {
  const std::string sql = fmt::format("SELECT 1 FROM {0}s WHERE {0}_id = ?1", what);
  if (query(database, sql, {Value(id)}).rows.empty()) {
    throw_not_found(what, id);
  }
}

Answer get_health(ApiContext& api, HttpRequest) {
  co_return HttpResponse{
      .status = 200, .body = health(api.database, api.figures).dump(-1, ' ', false, json::error_handler_t::replace)};
}

Answer list_sweeps(ApiContext& api, HttpRequest request) {
  PagedQuery list{
      .sql = fmt::format("SELECT {} FROM sweeps s WHERE s.sweep_id > ?1 ORDER BY s.sweep_id LIMIT ?2", sweep_columns()),
      .key = "sweep_id",
      .after = number_in_query(request, "after").value_or(-1),
      .limit = limit_in_query(request)};
  co_return paged_list(api.database, api.pages, std::move(list));
}

Answer get_sweep(ApiContext& api, HttpRequest request) {
  const std::int64_t id = id_in_path(request, "sweep");
  const std::string sql = fmt::format("SELECT {}, s.config FROM sweeps s WHERE s.sweep_id = ?1", sweep_columns());
  const std::optional<std::string> row = one_row(api.database, sql, {Value(id)});
  if (!row) {
    throw_not_found("sweep", id);
  }
  co_return HttpResponse{.status = 200, .body = *row};
}

Answer list_trials(ApiContext& api, HttpRequest request) {
  PagedQuery list{.sql = "SELECT * FROM trials WHERE trial_id > ?1",
                  .key = "trial_id",
                  .after = number_in_query(request, "after").value_or(-1),
                  .limit = limit_in_query(request)};
  const auto add = [&list](const char* column, Value value) {
    list.parameters.push_back(std::move(value));
    list.sql += fmt::format(" AND {} = ?{}", column, list.parameters.size() + 2);
  };
  if (const std::optional<std::int64_t> sweep = number_in_query(request, "sweep")) {
    require_row(api.database, "sweep", *sweep);
    add("sweep_id", *sweep);
  }
  if (const auto state = request.query.find("state"); state != request.query.end()) {
    try {
      add("state", std::string(to_string(parse_trial_state(state->second))));
    } catch (const std::invalid_argument& error) {
      throw HttpError(400, error.what());
    }
  }
  list.sql += " ORDER BY trial_id LIMIT ?2";
  co_return paged_list(api.database, api.pages, std::move(list));
}

Answer get_trial(ApiContext& api, HttpRequest request) {
  const std::int64_t id = id_in_path(request, "trial");
  const std::optional<std::string> trial =
      one_row(api.database, "SELECT * FROM trials WHERE trial_id = ?1", {Value(id)});
  const std::optional<std::string> memory =
      one_row(api.database, "SELECT * FROM trial_memory WHERE trial_id = ?1", {Value(id)});
  if (!trial || !memory) {
    throw_not_found("trial", id);
  }
  std::string body = *trial;
  body.insert(body.size() - 1, ",\"memory\":" + *memory);
  co_return HttpResponse{.status = 200, .body = std::move(body)};
}

Answer list_samples(ApiContext& api, HttpRequest request) {
  const std::int64_t id = id_in_path(request, "trial");
  require_row(api.database, "trial", id);
  PagedQuery list{.sql = "SELECT * FROM samples WHERE trial_id = ?3 AND time_ns > ?1 ORDER BY time_ns LIMIT ?2",
                  .key = "time_ns",
                  .parameters = {Value(id)},
                  .after = number_in_query(request, "after").value_or(-1),
                  .limit = limit_in_query(request)};
  co_return paged_list(api.database, api.pages, std::move(list));
}

HttpResponse response_of_submitter(const ChildOutput& output) {
  const json reply = json::parse(output.output, nullptr, false);
  if (output.status != 0 || !reply.is_object()) {
    throw HttpError(500, "the process that stores sweeps " + describe_wait_status(output.status) +
                             "; the daemon's log may say why, and nothing was stored");
  }
  return {.status = reply.at("status").get<int>(), .body = reply.at("body").dump()};
}

// Holds the turn while it lives.
class Turn {
 public:
  explicit Turn(bool& taken) : taken_(taken) { taken_ = true; }
  ~Turn() { taken_ = false; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  bool& taken_;
};

// The body goes to the child unread: what it costs to parse, it costs there.
Answer post_sweeps(ApiContext& api, HttpRequest request) {
  while (api.is_submitting) {
    co_await pause_for(kQueueCheck);
  }
  const Turn turn(api.is_submitting);
  const ChildOutput output =
      co_await api.children.run(api.submitter, std::move(request.body), kSweepBody, kLongestSubmission);
  HttpResponse response = response_of_submitter(output);
  api.supervisor.wake();
  co_return response;
}

// What a POST to a sweep or trial does; returns the answer's body. May be called again where the database was busy.
using Change = json (*)(ApiContext&, std::int64_t id);

json counts_json(const CancelCounts& counts) {
  return {{"cancelled_queued", counts.queued}, {"signalled", counts.signalled}};
}

json cancel_sweep(ApiContext& api, std::int64_t id) {
  return counts_json(api.supervisor.cancel_sweep(id));
}

json cancel_trial(ApiContext& api, std::int64_t id) {
  return counts_json(api.supervisor.cancel_trial(id));
}

json retry_sweep(ApiContext& api, std::int64_t id) {
  return {{"queued", retry_failed_trials(api.database, id)}};
}

json retry_one(ApiContext& api, std::int64_t id) {
  return {{"queued", {retry_trial(api.database, id)}}};
}

template <bool paused>
json set_paused(ApiContext& api, std::int64_t id) {
  pause_sweep(api.database, id, paused);
  return {{"paused", paused}};
}

Answer change(ApiContext& api, HttpRequest request, const char* what, Change make_change) {
  const std::int64_t id = id_in_path(request, what);
  require_row(api.database, what, id);
  const auto make = [&api, make_change, id] {
    try {
      return make_change(api, id);
    } catch (const RetryRefused& refused) {
      throw HttpError(409, refused.what());
    }
  };
  const json body = co_await with_patience(make, api.on_trouble, kPatienceWithDatabase);
  api.supervisor.wake();
  co_return HttpResponse{.status = 200, .body = body.dump()};
}

json submitter_reply(const std::filesystem::path& database, const std::string& request) {
  const auto reply = [](int status, const char* what) { return json{{"status", status}, {"body", {{"error", what}}}}; };
  try {
    return {{"status", 201}, {"body", submit(database, parse_submission(parse_request(request)))}};
  } catch (const SubmissionError& error) {
    return reply(400, error.what());
  } catch (const SweepError& error) {
    return reply(400, error.what());
  } catch (const StorageError& error) {
    return reply(error.is_transient() ? 503 : 500, error.what());
  } catch (const std::exception& error) {
    return reply(500, error.what());
  }
}

}  // namespace

std::vector<Route> api_routes(ApiContext& api) {
  using Handler = Answer (*)(ApiContext&, HttpRequest);
  const auto with = [&api](Handler handler) {
    return [&api, handler](HttpRequest request) { return handler(api, std::move(request)); };
  };
  const auto changing = [&api](const char* what, Change make_change) {
    return
        [&api, what, make_change](HttpRequest request) { return change(api, std::move(request), what, make_change); };
  };
  return {
      {"GET", "/v1/health", Access::reads, kSmallBody, with(get_health)},
      {"GET", "/v1/sweeps", Access::reads, kSmallBody, with(list_sweeps)},
      {"POST", "/v1/sweeps", Access::changes, kSweepBody, with(post_sweeps)},
      {"GET", "/v1/sweeps/{}", Access::reads, kSmallBody, with(get_sweep)},
      {"POST", "/v1/sweeps/{}/cancel", Access::changes, kSmallBody, changing("sweep", cancel_sweep)},
      {"POST", "/v1/sweeps/{}/retry", Access::changes, kSmallBody, changing("sweep", retry_sweep)},
      {"POST", "/v1/sweeps/{}/pause", Access::changes, kSmallBody, changing("sweep", set_paused<true>)},
      {"POST", "/v1/sweeps/{}/resume", Access::changes, kSmallBody, changing("sweep", set_paused<false>)},
      {"GET", "/v1/trials", Access::reads, kSmallBody, with(list_trials)},
      {"GET", "/v1/trials/{}", Access::reads, kSmallBody, with(get_trial)},
      {"GET", "/v1/trials/{}/samples", Access::reads, kSmallBody, with(list_samples)},
      {"POST", "/v1/trials/{}/cancel", Access::changes, kSmallBody, changing("trial", cancel_trial)},
      {"POST", "/v1/trials/{}/retry", Access::changes, kSmallBody, changing("trial", retry_one)},
  };
}

std::string run_submitter(const std::filesystem::path& database, const std::string& request) {
  return submitter_reply(database, request).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace memtrack
