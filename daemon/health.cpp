#include "daemon/health.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "storage/query.h"

namespace memtrack {
namespace {

using nlohmann::json;

struct FileFacts {
  std::int64_t bytes = 0;
  std::int64_t written_ns = 0;  // Unix epoch
};

// nullopt: there is no such file.
std::optional<FileFacts> look_at(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    return std::nullopt;
  }
  return FileFacts{.bytes = status.st_size,
                   .written_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

json to_json(const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number == nullptr ? json() : json(*number);
}

json queue_figures(Database& database) {
  const ResultTable found =
      query(database,
            "SELECT (SELECT count(*) FROM trials WHERE state = 'queued') AS queued, "
            "(SELECT count(*) FROM trials WHERE state = 'running') AS running, "
            "(SELECT max((SELECT max(time_ns) FROM samples s WHERE s.trial_id = t.trial_id)) FROM trials t "
            " WHERE t.state = 'running') AS last_sample_ns, "
            "(SELECT sum(samples_thinned) FROM trials JOIN trial_totals USING (trial_id) WHERE state = 'running') "
            "AS samples_thinned, "
            "(SELECT user_version FROM pragma_user_version) AS schema_version");
  json figures;
  for (std::size_t i = 0; i < found.columns.size(); ++i) {
    figures[found.columns[i]] = to_json(found.rows.at(0)[i]);
  }
  return figures;
}

}  // namespace

void ServiceFigures::count(const TrialNews& news) {
  switch (news.step) {
    case TrialStep::started:
      ++started;
      break;
    case TrialStep::adopted:
      ++adopted;
      break;
    case TrialStep::put_back:
      ++put_back;
      break;
    case TrialStep::ended:
      ++ended;
      lost += news.state == TrialState::lost ? 1 : 0;
      break;
  }
}

json health(Database& database, const ServiceFigures& figures) {
  const std::string path = database.path().string();
  const std::optional<FileFacts> file = look_at(path);
  const std::optional<FileFacts> log = look_at(path + "-wal");
  json body = queue_figures(database);
  body["status"] = "ok";
  body["version"] = MEMTRACK_VERSION;
  body["pid"] = getpid();
  body["uptime_s"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - figures.begin).count();
  if (figures.drain) {
    body["drain_s"] = std::chrono::duration<double>(*figures.drain).count();
  }
  body["database"] = path;
  body["database_bytes"] = file ? json(file->bytes) : json();
  body["wal_bytes"] = log ? json(log->bytes) : json();
  body["last_write_ns"] =
      file || log ? json(std::max(file.value_or(FileFacts{}).written_ns, log.value_or(FileFacts{}).written_ns))
                  : json();
  body["trials"] = {{"started", figures.started},
                    {"adopted", figures.adopted},
                    {"put_back", figures.put_back},
                    {"ended", figures.ended},
                    {"lost", figures.lost}};
  return body;
}

}  // namespace memtrack
